/** The commands that change the registry, and those that print it, where no mediator is running. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from '../../src/state/registry.js';
import { CommandRunner } from '../support/command-runner.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let root: string;
let cli: CommandRunner;
beforeEach(async () => {
  root = join(temporaryDirectory(), 'vgpu');
  cli = new CommandRunner(root);
  await cli.run('vm', 'add', '7', '--pool', 'B', '--priority', 'low');
  cli.forget();
});

const registry = () => new Registry(`${root}-state`);
const NEXT_START = 'no mediator is running; the change takes effect at the next start';

describe('vm set', () => {
  const set = (...argv: string[]) => cli.outputOf('vm', 'set', '7', ...argv);

  test('prints the new registration', async () => {
    expect(await set('--pool', 'A', '--priority', '2')).toBe('VM 7: pool A, priority high');
    expect(cli.notes).toEqual([NEXT_START]);
    expect(await set('--rate-limit', '2.5')).toBe(
      'VM 7: pool A, priority high, rate limit 2.5/s burst 3',
    );
    expect(await set('--rate-burst', '10')).toBe(
      'VM 7: pool A, priority high, rate limit 2.5/s burst 10',
    );
    expect(await set('--rate-burst', 'default')).toContain('rate limit 2.5/s burst 3');
    expect(await set('--rate-limit', '4', '--rate-burst', '1')).toContain('4/s burst 1');
    expect(await set('--max-queued', '8')).toBe(
      'VM 7: pool A, priority high, rate limit 4/s burst 1, at most 8 queued',
    );
    expect(registry().get(7)).toEqual({
      pool: 'A',
      priority: 2,
      suspended: false,
      rateLimit: { perSecond: 4, burst: 1 },
      maxQueued: 8,
    });
  });

  test('puts each back to its default', async () => {
    await set('--rate-limit', '5', '--max-queued', '8', '--priority', 'high');
    const all = ['pool', 'priority', 'rate-limit', 'max-queued'];
    await set(...all.flatMap((name) => [`--${name}`, 'default']));
    expect(registry().get(7)).toEqual({ pool: 'A', priority: 1, suspended: false });
  });

  test('--json is one object', async () => {
    expect(JSON.parse(await set('--rate-limit', '5', '--json'))).toEqual({
      vm: 7,
      pool: 'B',
      priority: 0,
      suspended: false,
      rateLimit: { perSecond: 5, burst: 5 },
      maxQueued: null,
      mediator: 'not-running',
    });
    expect(cli.notes).toEqual([]);
  });

  test.each([
    { argv: ['7'], code: 'USAGE', text: 'expected at least one of --pool, --priority' },
    { argv: ['7', '--pool', 'C'], code: 'USAGE', text: '--pool: expected A or B' },
    { argv: ['7', '--priority', '3'], code: 'USAGE', text: '--priority' },
    {
      argv: ['7', '--rate-limit', '0'],
      code: 'USAGE',
      text: '--rate-limit: expected requests per second from 0.001 to 1000000, got "0"',
    },
    { argv: ['7', '--rate-burst', '5'], code: 'USAGE', text: 'none of its own' },
    {
      argv: ['7', '--rate-limit', 'default', '--rate-burst', '5'],
      code: 'USAGE',
      text: '--rate-limit: expected requests per second',
    },
    {
      argv: ['7', '--rate-limit', '5', '--rate-burst', '1.5'],
      code: 'USAGE',
      text: '--rate-burst',
    },
    {
      argv: ['7', '--max-queued', '0'],
      code: 'USAGE',
      text: '--max-queued: expected a whole number from 1 to 1000000, got "0"',
    },
    { argv: ['8', '--max-queued', '1'], code: 'NOT_REGISTERED', text: 'VM 8 is not registered' },
    { argv: ['8', '--rate-burst', '1'], code: 'NOT_REGISTERED', text: 'VM 8 is not registered' },
    { argv: ['07', '--max-queued', '1'], code: 'USAGE', text: '<id>' },
  ])('refuses $argv, and changes nothing', async ({ argv, code, text }) => {
    const before = registry().entries();
    const error = await cli.errorOf('vm', 'set', ...argv);
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
    expect(registry().entries()).toEqual(before);
  });
});

describe('vm suspend and vm resume', () => {
  test('change that alone, and may be repeated', async () => {
    for (let n = 0; n < 2; n += 1) {
      expect(await cli.outputOf('vm', 'suspend', '7')).toBe(
        'VM 7: pool B, priority low, suspended',
      );
      expect(registry().get(7)).toEqual({ pool: 'B', priority: 0, suspended: true });
    }
    expect(JSON.parse(await cli.outputOf('vm', 'resume', '7', '--json'))).toMatchObject({
      vm: 7,
      suspended: false,
      mediator: 'not-running',
    });
    expect(registry().get(7)).toMatchObject({ suspended: false });
  });

  test.each(['suspend', 'resume'])('%s refuses a stranger', async (command) => {
    expect(await cli.errorOf('vm', command, '8')).toMatchObject({ code: 'NOT_REGISTERED' });
  });
});

describe('vm remove', () => {
  test('leaves the directory, and says so', async () => {
    expect(await cli.outputOf('vm', 'remove', '7')).toBe(
      `VM 7 is removed from the registry\ndirectory: ${root}/vm7 (kept)`,
    );
    expect(cli.notes).toEqual([NEXT_START]);
    expect(registry().size).toBe(0);
    expect(existsSync(join(root, 'vm7'))).toBe(true);
    expect(await cli.errorOf('vm', 'remove', '7')).toMatchObject({ code: 'NOT_REGISTERED' });
  });

  test('--delete-files removes it, also of a VM that is not registered any more', async () => {
    writeFileSync(join(root, 'vm7', 'request.txt'), 'x');
    await cli.run('vm', 'remove', '7');
    expect(JSON.parse(await cli.outputOf('vm', 'remove', '7', '--delete-files', '--json'))).toEqual(
      {
        vm: 7,
        directory: `${root}/vm7`,
        deleted: true,
        mediator: 'not-running',
      },
    );
    expect(existsSync(join(root, 'vm7'))).toBe(false);
    const again = await cli.errorOf('vm', 'remove', '7', '--delete-files');
    expect(again).toMatchObject({ code: 'NOT_REGISTERED' });
    await cli.run('vm', 'add', '8', '--pool', 'A', '--priority', '1');
    expect(await cli.outputOf('vm', 'remove', '8', '--delete-files')).toContain('vm8 (removed)');
    expect([registry().size, existsSync(join(root, 'vm8'))]).toEqual([0, false]);
  });
});

describe('vm list', () => {
  beforeEach(async () => {
    await cli.run('vm', 'add', '12', '--pool', 'A', '--priority', 'high');
    await cli.run('vm', 'set', '12', '--rate-limit', '50', '--max-queued', '100');
    await cli.run('vm', 'suspend', '7');
  });

  test('is a table with tabs for programs', async () => {
    expect(await cli.outputOf('vm', 'list')).toBe(
      [
        'VM\tPOOL\tPRIORITY\tSTATE\tRATE LIMIT\tMAX QUEUED',
        '7\tB\tlow\tsuspended\t-\t-',
        '12\tA\thigh\tactive\t50/s burst 50\t100',
      ].join('\n'),
    );
  });

  test('is aligned for people, with its head in bold unless NO_COLOR is set', async () => {
    cli.isTerminal = true;
    const head = 'VM  POOL  PRIORITY  STATE      RATE LIMIT     MAX QUEUED';
    const rows = [
      ' 7  B     low       suspended  -                       -',
      '12  A     high      active     50/s burst 50         100',
    ];
    expect(await cli.outputOf('vm', 'list')).toBe([`\x1b[1m${head}\x1b[22m`, ...rows].join('\n'));
    cli.environment['NO_COLOR'] = '1';
    expect(await cli.outputOf('vm', 'list')).toBe([head, ...rows].join('\n'));
    cli.environment['NO_COLOR'] = '';
    expect(await cli.outputOf('vm', 'list')).toContain('\x1b[1m');
    cli.environment['TERM'] = 'dumb';
    expect(await cli.outputOf('vm', 'list')).not.toContain('\x1b');
  });

  test('--json is an array', async () => {
    expect(JSON.parse(await cli.outputOf('vm', 'list', '--json'))).toEqual([
      { vm: 7, pool: 'B', priority: 0, suspended: true, rateLimit: null, maxQueued: null },
      {
        vm: 12,
        pool: 'A',
        priority: 2,
        suspended: false,
        rateLimit: { perSecond: 50, burst: 50 },
        maxQueued: 100,
      },
    ]);
  });

  test('of nothing has a head, and says on the side what to do', async () => {
    cli.environment['VGPU_STATE_DIR'] = `${root}-none`;
    expect(await cli.outputOf('vm', 'list')).toMatch(/^VM\tPOOL[^\n]*$/);
    expect(cli.notes).toEqual(['no VM is registered; vgpu-mediator vm add registers one']);
    expect(await cli.outputOf('vm', 'list', '--json')).toBe('[]');
    expect(cli.notes).toEqual([]);
  });

  test('refuses an invalid registry', async () => {
    mkdirSync(`${root}-other`);
    writeFileSync(`${root}-other/registry.json`, '{}');
    const error = await cli.errorOf('vm', 'list', '--state-dir', `${root}-other`);
    expect(error).toMatchObject({ code: 'INVALID_REGISTRY' });
  });
});

describe('pool', () => {
  test('set gives a pool devices, and list prints them', async () => {
    expect(await cli.outputOf('pool', 'list')).toBe('POOL\tDEVICES\nA\tall\nB\tall');
    expect(await cli.outputOf('pool', 'set', 'A', '--devices', '1,0')).toBe('pool A: devices 1, 0');
    expect(cli.notes).toEqual([NEXT_START]);
    expect(await cli.outputOf('pool', 'list')).toBe('POOL\tDEVICES\nA\t1,0\nB\tall');
    expect(JSON.parse(await cli.outputOf('pool', 'list', '--json'))).toEqual([
      { pool: 'A', devices: [1, 0] },
      { pool: 'B', devices: null },
    ]);
    expect(await cli.outputOf('pool', 'set', 'A', '--devices', 'all')).toBe('pool A: all devices');
    expect(JSON.parse(await cli.outputOf('pool', 'set', 'B', '--devices', '2', '--json'))).toEqual({
      pool: 'B',
      devices: [2],
      mediator: 'not-running',
    });
    expect([registry().poolDevices('A'), registry().poolDevices('B')]).toEqual([undefined, [2]]);
    // VMs are left alone.
    expect(registry().size).toBe(1);
  });

  test.each([
    { argv: ['C', '--devices', '0'], text: '--pool: expected A or B' },
    { argv: ['A', '--devices', '0,0'], text: '--devices: expected each device once' },
    { argv: ['A', '--devices', 'none'], text: '--devices: expected all, or device numbers' },
    { argv: ['A', '--devices', ''], text: '--devices' },
    { argv: ['A'], text: 'devices' },
    { argv: [], text: 'pool' },
  ])('set refuses $argv', async ({ argv, text }) => {
    const error = await cli.errorOf('pool', 'set', ...argv);
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(text) });
  });

  test.each([['pool', 'list'], ['pool', 'set'], ['status'], ['drain']])(
    '%s %s --help has examples and statuses',
    async (...words) => {
      const text = await cli.helpOf(...words);
      for (const part of ['Examples:', 'Exit status:', '--root ', '--state-dir ', '--json ']) {
        expect(text).toContain(part);
      }
    },
  );
});
