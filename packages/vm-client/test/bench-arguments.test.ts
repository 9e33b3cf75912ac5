import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseArguments } from '../src/cli/arguments.js';
import { BENCH } from '../src/cli/bench/bench.js';
import { help } from '../src/cli/bench/help.js';
import { planOf } from '../src/cli/bench/plan.js';
import { parsePriorityMix, prioritiesOf, parseVmList } from '../src/cli/bench/vms.js';
import { BENCH_SETTINGS } from '../src/cli/bench/settings.js';
import { variableOf } from '@vgpu/protocol/cli';

const failing = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

/** The plan for a command line. */
const plan = (args: string, env: Record<string, string> = {}) =>
  planOf(parseArguments(args.split(' '), BENCH).flags, env);

describe('a list of VMs', () => {
  test.each([
    ['1', [1]],
    ['3', [1, 2, 3]],
    ['7-7', [7]],
    ['2-4', [2, 3, 4]],
    ['9,1,3-4,4', [1, 3, 4, 9]],
    ['4294967295-4294967295', [4294967295]],
  ])('%s is %j', (text, vms) => {
    expect(parseVmList(text)).toEqual(vms);
  });

  test.each(['', '0', '01', '-3', '4-2', '1-', '1,,2', '1 ,2', '1e3', '10001', '1-4294967295'])(
    '%j makes no sense',
    (text) => {
      expect(parseVmList(text)).toBeUndefined();
    },
  );

  test('is what its ranges say, once and ascending', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(9));
    fc.assert(
      fc.property(fc.array(range, { minLength: 2, maxLength: 6 }), (ranges) => {
        const text = ranges.map(([first, more]) => `${first}-${first + more}`).join(',');
        const vms = Array.from({ length: 70 }, (_, index) => index).filter((vm) =>
          ranges.some(([first, more]) => vm >= first && vm <= first + more),
        );
        expect(parseVmList(text)).toEqual(vms);
      }),
    );
  });
});

describe('priorities', () => {
  test.each([
    ['high', 3, [2, 2, 2]],
    ['0', 1, [0]],
    ['high=1,low=2', 3, [2, 0, 0]],
    ['2=1,0=1,2=1', 3, [2, 0, 2]],
    ['medium=2,low=0', 2, [1, 1]],
  ])('%s for %i VMs are %j', (text, vms, priorities) => {
    const mix = parsePriorityMix(text);
    expect(mix === undefined ? undefined : prioritiesOf(mix, vms)).toEqual(priorities);
  });

  test.each(['', 'High', 'high=', 'high=-1', 'high=1;low=1', 'high=1,', '3=1', 'high=1e3'])(
    '%j make no sense',
    (text) => {
      expect(parsePriorityMix(text)).toBeUndefined();
    },
  );

  test('have to add up to the number of VMs', async () => {
    const promise = plan('--vms 4 --priority high=1,low=2');
    await expect(promise).rejects.toEqual(failing('INVALID_OPTION', /add up to 4.*got 3$/));
  });
});

describe('a command line', () => {
  test('says who sends how', async () => {
    expect(
      await plan('--vms 2,4 --priority high=1,low=1 --pool B --rate 0.5 --duration 1.5m --root r'),
    ).toEqual({
      root: 'r',
      vms: [
        { vm: 2, pool: 'B', priority: 2 },
        { vm: 4, pool: 'B', priority: 0 },
      ],
      pace: { perSecond: 0.5, arrivals: 'poisson' },
      durationMs: 90_000,
      size: 1,
      timeoutMs: undefined,
    });
  });

  test('is completed by the environment and by defaults', async () => {
    const env = { VGPU_VM_ID: '7', VGPU_PRIORITY: 'low', VGPU_ROOT: '/r', VGPU_TIMEOUT: '5' };
    expect(await plan('--in-flight 8 --size 9', env)).toEqual({
      root: '/r',
      vms: [{ vm: 7, pool: 'A', priority: 0 }],
      pace: { inFlight: 8 },
      durationMs: 10_000,
      size: 9,
      timeoutMs: 5,
    });
    expect(await plan('--vms 1', env)).toMatchObject({ pace: { inFlight: 1 }, vms: [{ vm: 1 }] });
  });

  test.each([
    ['--rate 5 --in-flight 8', 'USAGE', /exclude/],
    ['--arrivals constant', 'USAGE', /needs --rate/],
    ['--rate 0', 'INVALID_OPTION', /--rate/],
    ['--rate 1e3', 'INVALID_OPTION', /--rate/],
    ['--rate 5 --arrivals bursty', 'INVALID_OPTION', /poisson or constant/],
    ['--duration 30', 'INVALID_OPTION', /with ms, s, m or h/],
    ['--duration 25h', 'INVALID_OPTION', /up to 24h/],
    ['--duration 0s', 'INVALID_OPTION', /--duration/],
    ['--size 2701', 'INVALID_OPTION', /2700/],
    ['--in-flight 0', 'INVALID_OPTION', /--in-flight/],
    ['--vms none', 'INVALID_OPTION', /--vms/],
  ])('%s is refused', async (args, code, message) => {
    await expect(plan(`--vm-id 1 ${args}`)).rejects.toEqual(failing(code, message));
  });

  test('has its own help, with every option and its variable', async () => {
    const text = await help();
    for (const name of Object.keys(BENCH_SETTINGS)) {
      expect(text).toContain(`--${name}`);
      expect(text).toContain(variableOf(name));
    }
    expect(() => parseArguments(['--rat', '5'], BENCH)).toThrow(
      failing('USAGE', /see vgpu-vm-client bench --help$/),
    );
  });
});
