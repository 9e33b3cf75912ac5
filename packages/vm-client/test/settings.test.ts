import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ADD, parseOperands } from '../src/cli/add.js';
import { VgpuClient } from '../src/client.js';
import { parseArguments } from '../src/cli/arguments.js';
import { help, newYargs } from '../src/cli/help.js';
import { variableOf } from '@vgpu/protocol/cli';
import { readSetting, type SettingName, SETTINGS } from '../src/cli/settings.js';

const failing = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

/** Texts of each setting and what they mean. */
const VALID: Record<SettingName, readonly [text: string, value: unknown][]> = {
  root: [
    ['/mnt/vgpu', '/mnt/vgpu'],
    ['./vgpu', './vgpu'],
  ],
  'vm-id': [
    ['1', 1],
    ['4294967295', 4294967295],
  ],
  pool: [
    ['A', 'A'],
    ['B', 'B'],
  ],
  priority: [
    ['high', 2],
    ['medium', 1],
    ['low', 0],
    ['2', 2],
    ['1', 1],
    ['0', 0],
  ],
  device: [['vm1.bar', 'vm1.bar']],
  timeout: [
    ['1', 1],
    ['2147483647', 2147483647],
    ['30s', 30_000],
    ['250ms', 250],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
  ],
  plain: [
    ['1', true],
    ['false', false],
  ],
  json: [
    ['true', true],
    ['0', false],
  ],
  verbose: [['true', true]],
};

const INVALID: Partial<Record<SettingName, readonly string[]>> = {
  'vm-id': ['0', '01', '-3', '4294967296', '1e3', ' 1', '0x1'],
  pool: ['a', 'C', 'AB'],
  priority: ['3', 'High', '-1', '02'],
  timeout: ['0', '-5', '1.5', '1e3', '2147483648', '30 s', '0.5ms', '597h', '30S', '1m30s'],
  plain: ['yes', '2', 'TRUE'],
  json: ['on'],
};

const names = Object.keys(SETTINGS) as SettingName[];
const cases = (table: Partial<Record<SettingName, readonly unknown[]>>) =>
  names.flatMap((name) => (table[name] ?? []).map((entry) => [name, entry] as const));

describe('readSetting', () => {
  test('names its variables', () => {
    expect(names.map(variableOf)).toEqual([
      'VGPU_ROOT',
      'VGPU_VM_ID',
      'VGPU_POOL',
      'VGPU_PRIORITY',
      'VGPU_DEVICE',
      'VGPU_TIMEOUT',
      'VGPU_PLAIN',
      'VGPU_JSON',
      'VGPU_VERBOSE',
    ]);
  });

  test.each(cases(VALID))('%s understands %j, as flag and as variable', (name, entry) => {
    const [text, value] = entry as [string, unknown];
    expect(readSetting(SETTINGS, name, { [name]: text }, {})).toBe(value);
    expect(readSetting(SETTINGS, name, {}, { [variableOf(name)]: text })).toBe(value);
  });

  test.each(cases(INVALID))('%s refuses %j', (name, entry) => {
    const text = entry as string;
    expect(() => readSetting(SETTINGS, name, { [name]: text }, {})).toThrow(
      failing('INVALID_OPTION', new RegExp(`^--${name}: expected .*, got "`)),
    );
    expect(() => readSetting(SETTINGS, name, {}, { [variableOf(name)]: text })).toThrow(
      failing('BAD_ENVIRONMENT', new RegExp(`^${variableOf(name)}: expected .*, got "`)),
    );
  });

  test('takes the flag before the variable, and the variable before nothing', () => {
    const choice = fc.constantFrom(undefined, '0', '1', '2', 'high', 'low');
    fc.assert(
      fc.property(choice, choice, (flag, variable) => {
        const found = readSetting(
          SETTINGS,
          'priority',
          { priority: flag },
          { VGPU_PRIORITY: variable },
        );
        const expected = flag ?? variable;
        const alone = expected === undefined ? undefined : SETTINGS.priority.parse(expected);
        expect(found).toBe(alone);
      }),
    );
  });

  test('does not read a variable that the flag overrides', () => {
    expect(readSetting(SETTINGS, 'pool', { pool: 'B' }, { VGPU_POOL: 'nonsense' })).toBe('B');
    expect(readSetting(SETTINGS, 'json', { json: false }, { VGPU_JSON: '1' })).toBe(false);
  });

  test('takes an empty variable for none, but no empty flag', () => {
    expect(readSetting(SETTINGS, 'root', {}, { VGPU_ROOT: '' })).toBeUndefined();
    expect(() => readSetting(SETTINGS, 'root', { root: '' }, {})).toThrow(
      failing('INVALID_OPTION', /--root/),
    );
  });
});

describe('parseArguments', () => {
  test.each([
    [['-5', '3']],
    [['-1,-2', '3,4']],
    [['-2147483648', '-1']],
    [['1e3', '0x10']],
    [['007', '+5']],
    [[' 5', '5 ']],
    [
      ['--', '-5', '--json'],
      ['-5', '--json'],
    ],
    [
      ['-5', '--', '-3'],
      ['-5', '-3'],
    ],
  ])('keeps the operands of %j as they are', (argv, operands = argv) => {
    expect(parseArguments(argv, ADD).operands).toEqual(operands);
  });

  test('finds the flags before, between and after the operands', () => {
    const { operands, flags } = parseArguments(
      ['--vm-id=7', '-1,-2', '--json', '-3,4', '--root', 'x'],
      ADD,
    );
    expect(operands).toEqual(['-1,-2', '-3,4']);
    expect(flags).toMatchObject({ 'vm-id': '7', json: true, root: 'x' });
  });

  test.each([[['--root', 'a', '--root', 'b']], [['--root=a', '1', '--root=a']]])(
    'refuses an option with two values: %j',
    (argv) => {
      expect(() => parseArguments(argv, ADD)).toThrow(
        failing('USAGE', /^--root is given more than once: give it one value; see /),
      );
    },
  );

  test.each([['--rooot'], ['--rooot=x'], ['-x'], ['--vmId'], ['---'], ['--5']])(
    'refuses %s with a hint',
    (option) => {
      expect(() => parseArguments(['1', '2', option], ADD)).toThrow(
        failing('USAGE', /^unknown option "-.*--help$/),
      );
    },
  );

  test('refuses to negate a switch: --json=false is the way', () => {
    expect(() => parseArguments(['1', '2', '--no-json'], ADD)).toThrow(failing('USAGE', /no-json/));
    expect(parseArguments(['1', '2', '--json=false'], ADD).flags).toMatchObject({ json: false });
  });

  test.each(['--plain=1', '--json=', '--verbose=yes'])('refuses %s', (option) => {
    expect(() => parseArguments(['1', '2', option], ADD)).toThrow(failing('USAGE', /stands alone/));
  });

  test.each([[['-h']], [['1', '-h']], [['--json', '-h', '2']]])('%j asks for the help', (argv) => {
    expect(parseArguments(argv, ADD).flags).toMatchObject({ help: true });
  });

  test.each(['"/mnt/vgpu"', "'x'", '/mnt/vgpu\r', ' /mnt', '\u001b[2J'])(
    'the root %j is refused, wherever it is from',
    (root) => {
      expect(() => readSetting(SETTINGS, 'root', { root }, {})).toThrow(
        failing('INVALID_OPTION', /^--root: expected a path/),
      );
      expect(() => readSetting(SETTINGS, 'root', {}, { VGPU_ROOT: root })).toThrow(
        failing('BAD_ENVIRONMENT', /^VGPU_ROOT: expected a path/),
      );
      expect(() => new VgpuClient({ root, vmId: 1 })).toThrow(failing('INVALID_OPTION', /^root: /));
    },
  );

  test.each([[['--root']], [['--root', '--json']]])('refuses %j: the value is missing', (argv) => {
    expect(() => parseArguments(argv, ADD)).toThrow(failing('USAGE', /root; see .*--help$/));
  });

  test('understands all that yargs does, and as yargs does', async () => {
    const yargs = await newYargs();
    const word = fc.oneof(
      ...[...names, 'help', 'version', 'x', 'no-json', 'no-root'].map((name) =>
        fc.constantFrom(`--${name}`, `--${name}=`, `--${name}=true`, `--${name}=1,2`),
      ),
      fc.constantFrom(
        '-1',
        '-1,2',
        '1e3',
        '0x10',
        '-x',
        '-xjson',
        '-',
        '--',
        '',
        'a b',
        '"q"',
        "'",
      ),
      fc.constantFrom('true', 'false', '-', '---', '--=', '--json.x', '--ro', '--root-', '-h=1'),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
        let problem: string | undefined;
        const parsed = yargs
          .fail((message) => (problem ??= message))
          .parseSync(argv) as unknown as Record<string, unknown> & { _: string[]; '--'?: string[] };
        const { _: operands, '--': afterDashes = [], ...rest } = parsed;
        const flags = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== '$0'));
        let ours;
        try {
          ours = parseArguments(argv, ADD);
        } catch (error) {
          const { message } = error as Error;
          // These are refused besides.
          if (
            /^(?:unknown option |--[a-z-]+ (?:stands alone|is given more than once))/.test(message)
          )
            return;
          expect(message).toBe(`${problem ?? 'none'}; see vgpu-vm-client --help`);
          return;
        }
        expect(problem).toBeUndefined();
        expect(ours).toEqual({ operands: [...operands, ...afterDashes], flags });
      }),
      { numRuns: 3000 },
    );
  });

  test('has a help with every option and its variable', async () => {
    const text = await help();
    for (const name of names) {
      expect(text).toContain(`--${name}`);
      expect(text).toContain(variableOf(name));
    }
  });
});

describe('parseOperands', () => {
  test('understands numbers and lists', () => {
    expect(parseOperands(['-5', '3'])).toEqual({ a: Int32Array.of(-5), b: Int32Array.of(3) });
    expect(parseOperands(['1,2', '-2147483648,2147483647'])).toEqual({
      a: Int32Array.of(1, 2),
      b: Int32Array.of(-2147483648, 2147483647),
    });
  });

  test.each([
    '1e3',
    '0x10',
    '007',
    '+5',
    ' 5',
    '5 ',
    '',
    '-',
    '--5',
    '-0',
    '1,',
    '1.0',
    '1:2',
    '5\n',
  ])('refuses %j in both places, with the expectation', (text) => {
    const refusal = (name: string) => failing('BAD_REQUEST', new RegExp(`^${name}: .*decimal`));
    expect(() => parseOperands([text, '1'])).toThrow(refusal('a'));
    expect(() => parseOperands(['1', text])).toThrow(refusal('b'));
  });

  test('refuses other values than int32', () => {
    expect(() => parseOperands(['1', '2147483648'])).toThrow(failing('OUT_OF_RANGE', /^b: /));
    expect(() => parseOperands(['1,-2147483649', '1'])).toThrow(failing('OUT_OF_RANGE', /^a: /));
  });

  test.each([[[]], [['1']], [['1', '2', '3']]])('refuses %j: two are needed', (texts) => {
    expect(() => parseOperands(texts)).toThrow(failing('USAGE', /two operands.*--help/));
  });
});
