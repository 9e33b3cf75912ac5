import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseByYargs } from '../../src/cli/any-command-line.js';
import { exitStatusText } from '@vgpu/protocol/cli';
import { type CommandName, EXIT_STATUSES } from '../../src/cli/exit-statuses.js';
import { parseCommandLine } from '../../src/cli/command-line.js';
import { resolveOptions } from '../../src/cli/config.js';
import { OPTION_NAMES, type Options } from '../../src/cli/options.js';
import { plainServeFlags } from '../../src/cli/serve-flags.js';
import { MediatorError } from '../../src/mediator-error.js';

const VERSION = '1.2.3-test';

const parse = (...argv: string[]) => parseCommandLine(argv, () => VERSION);

async function flagsOf(...argv: string[]): Promise<Readonly<Record<string, unknown>>> {
  const line = await parse(...argv);
  if (line.command !== 'serve') throw new Error(`expected to serve, got ${line.command}`);
  return line.flags;
}

async function errorOf(...argv: string[]): Promise<MediatorError> {
  try {
    await parse(...argv);
  } catch (error) {
    if (error instanceof MediatorError) return error;
    throw error;
  }
  throw new Error('expected that the arguments were refused');
}

/** Each flag with a value that is not the default, and what the options then have. */
const FLAGS: Record<keyof Options, { readonly text: string; readonly value: unknown }> = {
  root: { text: '/srv/vgpu', value: '/srv/vgpu' },
  'state-dir': { text: '/run/vgpu', value: '/run/vgpu' },
  backend: { text: 'cpu', value: 'cpu' },
  devices: { text: '0,1', value: [0, 1] },
  'cpu-delay': { text: '250', value: 250 },
  'poll-interval': { text: '20', value: 20 },
  settle: { text: '0', value: 0 },
  'max-queued-per-vm': { text: '7', value: 7 },
  aging: { text: '0.5', value: 0.5 },
  'exec-limit': { text: '1.5', value: 1.5 },
  retention: { text: '60000', value: 60_000 },
  'require-registration': { text: 'true', value: true },
  'rate-limit': { text: '2.5', value: 2.5 },
  'rate-burst': { text: '9', value: 9 },
  http: { text: '[::1]:0', value: { kind: 'tcp', host: '::1', port: 0 } },
  'http-token': { text: '0123456789abcdef', value: '0123456789abcdef' },
  once: { text: 'true', value: true },
  'log-level': { text: 'debug', value: 'debug' },
  'log-format': { text: 'json', value: 'json' },
};

describe('serve', () => {
  test.each([[[]], [['serve']]])('is what %j means; nothing is set then', async (argv) => {
    const flags = await flagsOf(...argv);
    for (const option of [...OPTION_NAMES, 'config']) expect(flags[option]).toBeUndefined();
  });

  test('the tests know every flag', () => {
    expect(Object.keys(FLAGS).sort()).toEqual([...OPTION_NAMES].sort());
  });

  describe.each(OPTION_NAMES)('--%s', (option) => {
    const { text, value } = FLAGS[option];

    test.each([
      { how: 'after a space', argv: [`--${option}`, text] },
      { how: 'after an equals sign', argv: [`--${option}=${text}`] },
      { how: 'after the command', argv: ['serve', `--${option}`, text] },
      { how: 'before the command', argv: [`--${option}=${text}`, 'serve'] },
    ])('takes its value $how', async ({ argv }) => {
      const flags = await flagsOf(...argv);
      // A burst needs a limit.
      const needed = option === 'rate-burst' ? { 'rate-limit': '5' } : {};
      const options = resolveOptions({ flags: { ...needed, ...flags }, environment: {} });
      expect(options).toEqual({
        ...resolveOptions({ flags: needed, environment: {} }),
        [option]: value,
      });
    });
  });

  test('--config takes a path', async () => {
    expect(await flagsOf('--config', '/etc/vgpu.json')).toMatchObject({ config: '/etc/vgpu.json' });
  });

  test('--once takes no value, and can be taken back', async () => {
    expect(await flagsOf('--once')).toMatchObject({ once: true });
    expect(await flagsOf('--once', 'serve')).toMatchObject({ once: true });
    expect(await flagsOf('--no-once')).toMatchObject({ once: false });
  });

  test.each([
    ['--once=yes'],
    ['serve', '--require-registration=1'],
    ['--check-config=TRUE'],
    ['vm', 'remove', '7', '--delete-files=on'],
    ['status', '--watch='],
  ])('a switch in %j is not taken for one that is off', async (...argv) => {
    const { code, message } = await errorOf(...argv);
    expect(code).toBe('USAGE');
    expect(message).toMatch(/^--[a-z-]+ stands alone, or with =true or =false$/);
  });

  test('values stay text: digits are not turned into another number', async () => {
    const flags = await flagsOf('--root', '007', '--config', '1e3', '--settle', '0010');
    expect(flags).toMatchObject({ root: '007', config: '1e3', settle: '0010' });
  });

  test.each([
    [['--root', 'a', '--root', 'b'], 'root'],
    [['--root=a', 'serve', '--root', 'a'], 'root'],
    [['vm', 'list', '--root', 'a', '--root=b'], 'root'],
    [['vm', 'add', '7', '--pool', 'A', '--priority', 'low', '--pool', 'B'], 'pool'],
  ])('in %j, an option has more than one value', async (argv, option) => {
    expect(await errorOf(...argv)).toMatchObject({
      code: 'USAGE',
      message: `--${option} is given more than once: give it one value`,
    });
  });

  test('a switch may be repeated', async () => {
    expect(await flagsOf('--once', '--once')).toMatchObject({ once: true });
  });

  test('property: all flags at once, in any order', async () => {
    const orders = fc.shuffledSubarray([...OPTION_NAMES]);
    await fc.assert(
      fc.asyncProperty(orders, async (given) => {
        const flags = await flagsOf(...given.flatMap((name) => [`--${name}`, FLAGS[name].text]));
        const needed = { 'rate-limit': '2.5' };
        const options = resolveOptions({ flags: { ...needed, ...flags }, environment: {} });
        for (const name of given) expect(options[name]).toEqual(FLAGS[name].value);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a command line that only says to serve', () => {
  test.each([[], ['serve'], ['--once', 'serve', '--root=x'], ['--no-once', '--settle', '-5']])(
    'is understood without yargs: %j',
    (...argv) => {
      expect(plainServeFlags(argv)).toBeDefined();
    },
  );

  test.each([
    [['--help']],
    [['serve', '--version']],
    [['vm']],
    [['serve', 'serve']],
    [['--']],
    [['--root']],
    [['-x']],
  ])('is not %j', (argv) => {
    expect(plainServeFlags(argv)).toBeUndefined();
  });

  test('property: means what yargs says', async () => {
    const names = [...OPTION_NAMES, 'config', 'check-config', 'json', 'help', 'x'];
    const word = fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .constantFrom(...names)
          .chain((name) =>
            fc.constantFrom(
              `--${name}`,
              `--${name}=`,
              `--${name}=true`,
              `--no-${name}`,
              `--${name}=1`,
            ),
          ),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          'serve',
          'vm',
          '--',
          '-',
          '',
          '-1',
          '-x',
          'true',
          '0x10',
          '"a b"',
        ),
      },
      fc.string({ maxLength: 3 }),
    );
    let understood = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), async (argv) => {
        const flags = plainServeFlags(argv);
        if (flags === undefined) return;
        understood += 1;
        const line = await parseByYargs(argv, VERSION);
        expect(line).toMatchObject({ command: 'serve', flags });
        const named = line.command === 'serve' ? Object.keys(line.flags) : [];
        expect(named.filter((name) => name !== '_' && name !== '$0').sort()).toEqual(
          Object.keys(flags).sort(),
        );
      }),
      { numRuns: 1500 },
    );
    expect(understood).toBeGreaterThan(50);
  });
});

describe('usage errors', () => {
  test.each([
    { argv: ['--rooot', 'x'], text: 'rooot' },
    { argv: ['--stateDir', 'x'], text: 'stateDir' },
    { argv: ['-r', 'x'], text: 'r' },
    { argv: ['start'], text: 'unknown command "start": expected one of serve, vm, pool' },
    { argv: ['vm', 'start'], text: 'unknown command "vm start": expected one of add, set' },
    { argv: ['--root', 'x', 'pool', 'drop'], text: 'unknown command "pool drop": expected one of' },
    { argv: ['serve', 'now'], text: 'now' },
    { argv: ['--root'], text: 'root' },
    { argv: ['--root', '--once'], text: 'root' },
  ])('$argv is refused, and the message names what and where to look', async ({ argv, text }) => {
    const error = await errorOf(...argv);
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain(text);
    expect(error.message).toContain('vgpu-mediator --help');
  });

  test('a value that is no acceptable one is refused by the options, not here', async () => {
    const flags = await flagsOf('--settle', '-5');
    expect(() => resolveOptions({ flags, environment: {} })).toThrow(
      '--settle: expected milliseconds from 0 to 2147483647, or a duration such as 200ms, 30s, 5m or 1h, got "-5"',
    );
  });
});

describe('printing', () => {
  test('--version gives the version', async () => {
    expect(await parse('--version')).toEqual({ command: 'print', text: VERSION });
  });

  test('--help names every flag', async () => {
    const line = await parse('--help');
    expect(line.command).toBe('print');
    for (const option of [...OPTION_NAMES, 'config', 'help', 'version']) {
      expect(line).toMatchObject({ text: expect.stringContaining(`--${option}`) });
    }
  });

  test('--help tells the defaults that hold', async () => {
    const line = await parse('--help');
    const text = line.command === 'print' ? line.text.replaceAll(/\s+/g, ' ') : '';
    const defaults = resolveOptions({ flags: {}, environment: {} });
    for (const [option, value] of Object.entries(defaults)) {
      if (value === false || value === undefined || typeof value === 'object') continue;
      const [, shown = ''] =
        new RegExp(`--${option} [^\\[]*\\[default: ([^\\]]*)\\]`).exec(text) ?? [];
      const { [option]: read } = resolveOptions({
        flags: { [option]: shown },
        environment: {},
      }) as Record<string, unknown>;
      expect([option, read]).toEqual([option, value]);
    }
  });
});

describe('every command', () => {
  const COMMANDS = [
    ...['serve', 'status', 'drain', 'doctor', 'completion', 'pool list', 'pool set'],
    ...['add', 'set', 'list', 'show', 'suspend', 'resume', 'remove'].map((name) => `vm ${name}`),
    ...['install', 'uninstall', 'print'].map((name) => `service ${name}`),
  ] as const;

  test.each(COMMANDS)('%s has its exit statuses in the help', async (command) => {
    const line = await parse(...command.split(' '), '--help');
    const text = line.command === 'print' ? line.text.replaceAll(/\s+/g, ' ') : '';
    const expected = exitStatusText(EXIT_STATUSES, command as CommandName);
    expect(text.endsWith(`. ${expected}`) || text.endsWith(` ${expected}`)).toBe(true);
    expect(text.match(/Exit status/g)).toHaveLength(1);
  });

  test('that has an exit status of its own is one of these', () => {
    const named = EXIT_STATUSES.flatMap(({ commands = [] }) => commands);
    expect(named.filter((name) => !(COMMANDS as readonly string[]).includes(name))).toEqual([]);
  });
});

describe('what stands for other words', () => {
  test.each([
    ['-h', 'Serves the requests'],
    ['serve -h', 'serve requests until stopped'],
    ['vm show -h', 'the hypervisor and the file server'],
    ['vm show 7 -h', 'the hypervisor and the file server'],
    ['service print -h', 'print the unit'],
  ])('%s prints the help', async (words, text) => {
    const line = await parse(...words.split(' '));
    expect(line).toMatchObject({ command: 'print', text: expect.stringContaining(text) });
  });

  test.each(['vm show -- 7', 'vm show --json -- 7', 'vm -- show 7', 'completion -- bash'])(
    '%s is a command with its operand',
    async (words) => {
      expect(await parse(...words.split(' '))).toMatchObject({ command: 'administer' });
    },
  );

  test.each(['vm show -- -7', 'vm show -- --json', 'vm show -- 7 8', 'status -- --watch'])(
    '%s is refused',
    async (words) => {
      expect(await errorOf(...words.split(' '))).toMatchObject({ code: 'USAGE' });
    },
  );
});
