import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { resolveOptions, stateDirOf, type ConfigSources } from '../../src/cli/config.js';
import { OPTION_NAMES, type OptionName, type Options } from '../../src/cli/options.js';
import { MediatorError, type MediatorErrorCode } from '../../src/mediator-error.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const DEFAULTS: Options = {
  root: '/var/vgpu',
  backend: 'auto',
  devices: 'all',
  'cpu-delay': 0,
  'poll-interval': 1000,
  settle: 200,
  'max-queued-per-vm': 64,
  'exec-limit': 10_000,
  retention: 3_600_000,
  'require-registration': false,
  once: false,
  'log-level': 'info',
  'log-format': 'pretty',
};

/** A value as text, as the config file may have it, and what it means. */
interface Spelling {
  readonly text: string;
  readonly json: unknown;
  readonly value: unknown;
}

const path = fc
  .string({ minLength: 1 })
  .filter((text) => text.trim() === text && !/^(?:"|(["']).*\1)$/.test(text))
  .map((text): Spelling => ({ text, json: text, value: text }));
const oneOf = (...values: string[]) =>
  fc.constantFrom(...values).map((text): Spelling => ({ text, json: text, value: text }));
const whole = (min: number, max: number) =>
  fc.integer({ min, max }).map((value): Spelling => ({ text: String(value), json: value, value }));
const ms = (min: number) =>
  fc.oneof(
    whole(min, 0x7fff_ffff),
    fc
      .tuple(fc.integer({ min, max: 1_000_000 }), fc.constantFrom('5', '25', '125'))
      .map(([integer, fraction]): Spelling => ({
        text: `${integer}.${fraction}`,
        json: Number(`${integer}.${fraction}`),
        value: Number(`${integer}.${fraction}`),
      })),
  );

const flag = fc.boolean().map((value): Spelling => ({ text: String(value), json: value, value }));

const endpoint = fc.oneof(
  fc.nat(65535).map((port): Spelling => {
    const text = `localhost:${port}`;
    return { text, json: text, value: { kind: 'tcp', host: 'localhost', port } };
  }),
  fc.constant('/run/vgpu/http.sock').map((socket): Spelling => {
    const text = `unix:${socket}`;
    return { text, json: text, value: { kind: 'unix', path: socket } };
  }),
);

const SPELLINGS: Record<OptionName, fc.Arbitrary<Spelling>> = {
  root: path,
  'state-dir': path,
  backend: oneOf('auto', 'cuda', 'cpu'),
  devices: fc.oneof(
    oneOf('all'),
    fc
      .uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 8 })
      .map((value): Spelling => ({ text: value.join(','), json: value, value })),
  ),
  'cpu-delay': ms(0),
  'poll-interval': ms(1),
  settle: ms(0),
  'max-queued-per-vm': whole(1, 1_000_000),
  aging: ms(1).filter(({ value }) => Number(value) <= 1_000_000),
  'exec-limit': ms(1),
  retention: ms(1),
  'require-registration': flag,
  'rate-limit': ms(1).filter(({ value }) => Number(value) <= 1_000_000),
  'rate-burst': whole(1, 1_000_000),
  http: endpoint,
  'http-token': oneOf('0123456789abcdef', 'a-._~+/='.repeat(4)),
  once: flag,
  'log-level': oneOf('error', 'warn', 'info', 'debug'),
  'log-format': oneOf('pretty', 'json'),
};

const PATH = 'a path, without quotation marks around it, blanks at its ends or control characters';

const OR_DURATION = 'or a duration such as 200ms, 30s, 5m or 1h';

/** One that is refused, by every source. */
const REFUSED: Record<OptionName, { readonly value: string; readonly expected: string }> = {
  root: { value: '"/var/vgpu"', expected: PATH },
  'state-dir': { value: '/var/state\r', expected: PATH },
  backend: { value: 'gpu', expected: 'one of auto, cuda, cpu' },
  devices: {
    value: '0;1',
    expected: 'all, or device numbers separated by commas, such as 0,1',
  },
  'cpu-delay': { value: '-1', expected: `milliseconds from 0 to 2147483647, ${OR_DURATION}` },
  'poll-interval': { value: '0', expected: `milliseconds from 1 to 2147483647, ${OR_DURATION}` },
  settle: { value: '2147483648', expected: `milliseconds from 0 to 2147483647, ${OR_DURATION}` },
  'max-queued-per-vm': { value: '1.5', expected: 'a whole number from 1 to 1000000' },
  aging: { value: '0', expected: `seconds from 0.001 to 1000000, ${OR_DURATION}` },
  'exec-limit': { value: '10 s', expected: `milliseconds from 1 to 2147483647, ${OR_DURATION}` },
  retention: { value: '25d', expected: `milliseconds from 1 to 2147483647, ${OR_DURATION}` },
  'require-registration': { value: '', expected: 'true or false' },
  'rate-limit': { value: '0', expected: 'requests per second from 0.001 to 1000000' },
  'rate-burst': { value: '0', expected: 'a whole number from 1 to 1000000' },
  http: { value: '9741', expected: 'host:port, such as 127.0.0.1:9741, or unix:<path>' },
  'http-token': { value: 'secret', expected: '16 to 256 letters, digits or -._~+/=' },
  once: { value: 'perhaps', expected: 'true or false' },
  'log-level': { value: 'INFO', expected: 'one of error, warn, info, debug' },
  'log-format': { value: 'text', expected: 'one of pretty, json' },
};

/** Options without which another one is refused. */
const NEEDED: Partial<Record<OptionName, { flags: Record<string, string>; values: object }>> = {
  'rate-burst': { flags: { 'rate-limit': '5' }, values: { 'rate-limit': 5 } },
};

const variableOf = (option: OptionName) => `VGPU_${option.toUpperCase().replaceAll('-', '_')}`;

let directory: string;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory, 'config.json');
});

const writeConfig = (config: unknown) => {
  writeFileSync(file, JSON.stringify(config));
};

function errorOf(sources: ConfigSources): MediatorError {
  try {
    resolveOptions(sources);
  } catch (error) {
    if (error instanceof MediatorError) return error;
    throw error;
  }
  throw new Error('expected that the options were refused');
}

describe('precedence', () => {
  test('without any source is the defaults', () => {
    expect(resolveOptions({ flags: {}, environment: {} })).toEqual(DEFAULTS);
  });

  test('the tests know every option', () => {
    expect(Object.keys(SPELLINGS).sort()).toEqual([...OPTION_NAMES].sort());
  });

  test.each(OPTION_NAMES)('property: of %s is flag, environment, file, default', (option) => {
    const maybe = fc.option(SPELLINGS[option], { nil: undefined });
    fc.assert(
      fc.property(maybe, maybe, maybe, (flag, variable, entry) => {
        writeConfig(entry === undefined ? {} : { [option]: entry.json });
        const options = resolveOptions({
          flags: { ...NEEDED[option]?.flags, config: file, ...(flag && { [option]: flag.text }) },
          environment: { PATH: '/bin', ...(variable && { [variableOf(option)]: variable.text }) },
        });
        const decisive = flag ?? variable ?? entry;
        const defaults = { ...DEFAULTS, ...NEEDED[option]?.values };
        expect(options).toEqual(decisive ? { ...defaults, [option]: decisive.value } : defaults);
      }),
      { numRuns: 25 },
    );
  });

  test('is found for each option on its own', () => {
    writeConfig({ root: '/file', backend: 'cpu', settle: 3 });
    const options = resolveOptions({
      flags: { config: file, root: '/flag' },
      environment: { VGPU_ROOT: '/environment', VGPU_BACKEND: 'cuda' },
    });
    expect(options).toEqual({ ...DEFAULTS, root: '/flag', backend: 'cuda', settle: 3 });
  });

  test.each(OPTION_NAMES)('a worse source of %s is not even checked', (option) => {
    const [good] = fc.sample(SPELLINGS[option], 1);
    writeConfig({ [option]: REFUSED[option].value });
    expect(() =>
      resolveOptions({
        flags: { ...NEEDED[option]?.flags, config: file, [option]: good?.text },
        environment: { [variableOf(option)]: REFUSED[option].value },
      }),
    ).not.toThrow();
  });

  test('0 and false are values', () => {
    writeConfig({ settle: 5, once: true, 'cpu-delay': 5 });
    const options = resolveOptions({
      flags: { config: file, settle: '0', once: false },
      environment: { VGPU_CPU_DELAY: '0' },
    });
    expect(options).toEqual({ ...DEFAULTS, settle: 0, once: false, 'cpu-delay': 0 });
  });

  test('a flag that is a boolean already, as the command line gives it, counts', () => {
    expect(resolveOptions({ flags: { once: true }, environment: {} }).once).toBe(true);
    expect(resolveOptions({ flags: {}, environment: { VGPU_ONCE: 'false' } }).once).toBe(false);
  });
});

describe('a refusal', () => {
  const sources: {
    source: string;
    code: MediatorErrorCode;
    give: (option: OptionName, value: string) => ConfigSources;
    label: (option: OptionName) => string;
  }[] = [
    {
      source: 'a flag',
      code: 'USAGE',
      give: (option, value) => ({ flags: { [option]: value }, environment: {} }),
      label: (option) => `--${option}`,
    },
    {
      source: 'the environment',
      code: 'INVALID_CONFIG',
      give: (option, value) => ({ flags: {}, environment: { [variableOf(option)]: value } }),
      label: variableOf,
    },
    {
      source: 'the file',
      code: 'INVALID_CONFIG',
      give: (option, value) => {
        writeConfig({ [option]: value });
        return { flags: { config: file }, environment: {} };
      },
      label: (option) => `"${option}" in ${file}`,
    },
  ];

  describe.each(sources)('of $source', ({ code, give, label }) => {
    test.each(OPTION_NAMES)('for %s names source, expectation and value', (option) => {
      const { value, expected } = REFUSED[option];
      const sources = give(option, value);
      if (value === '' && variableOf(option) in sources.environment) {
        // A variable that is empty counts as one that is not set.
        expect(resolveOptions(sources)).toEqual(DEFAULTS);
        return;
      }
      const error = errorOf(sources);
      expect(error.code).toBe(code);
      expect(error.message.startsWith(label(option))).toBe(true);
      const got = option === 'http-token' ? 'something else' : JSON.stringify(value);
      expect(error.message).toContain(`: expected ${expected}, got ${got}`);
    });
  });

  test.each<{ option: OptionName; json: unknown; got: string }>([
    { option: 'root', json: 7, got: '7' },
    { option: 'root', json: null, got: 'null' },
    { option: 'settle', json: -1, got: '-1' },
    { option: 'settle', json: true, got: 'true' },
    { option: 'max-queued-per-vm', json: 0, got: '0' },
    { option: 'max-queued-per-vm', json: 1.5, got: '1.5' },
    { option: 'devices', json: [], got: '[]' },
    { option: 'devices', json: [-1], got: '[-1]' },
    { option: 'devices', json: ['first'], got: 'first' },
    { option: 'devices', json: ['all'], got: 'all' },
    { option: 'once', json: 1, got: '1' },
    { option: 'log-level', json: ['info'], got: 'info' },
  ])('of another type in the file shows it: $option $json', ({ option, json, got }) => {
    writeConfig({ [option]: json });
    const { message } = errorOf({ flags: { config: file }, environment: {} });
    expect(message.startsWith(`"${option}" in ${file}: expected `)).toBe(true);
    expect(message.slice(message.lastIndexOf(', got '))).toContain(got);
  });

  test.each(['1e3', '0x10', ' 1', '1 ', '+1', '', '1_000', '.5', '5.', 'NaN', '٣'])(
    'of a number spelled %j',
    (value) => {
      expect(errorOf({ flags: { settle: value }, environment: {} }).code).toBe('USAGE');
    },
  );

  test.each(['0,0', '0,,1', ',0', '0,', '-1', '0 1', '', 'ALL', 'all,0', '1000'])(
    'of devices spelled %j',
    (value) => {
      expect(errorOf({ flags: { devices: value }, environment: {} }).code).toBe('USAGE');
    },
  );

  test('shows a hostile value cut and escaped', () => {
    const value = `\u001b[31m${'x'.repeat(10_000)}`;
    const { message } = errorOf({ flags: { backend: value }, environment: {} });
    expect(message).toMatch(/^[\x20-\x7e]{1,300}$/);
    expect(message).toContain('\\u001b[31mxxx');
  });
});

describe('a duration', () => {
  const DURATIONS = ['cpu-delay', 'poll-interval', 'settle', 'exec-limit', 'retention'] as const;

  test.each([...DURATIONS, 'aging' as const])('is a value of --%s, from every source', (option) => {
    // That of --aging is in seconds.
    const perMs = option === 'aging' ? 0.001 : 1;
    for (const [text, ms] of [
      ['250ms', 250],
      ['1.5s', 1500],
      ['5m', 300_000],
      ['1h', 3_600_000],
    ] as const) {
      const flag = resolveOptions({ flags: { [option]: text }, environment: {} });
      const variable = resolveOptions({ flags: {}, environment: { [variableOf(option)]: text } });
      writeConfig({ [option]: text });
      const entry = resolveOptions({ flags: { config: file }, environment: {} });
      for (const options of [flag, variable, entry]) expect(options[option]).toBe(ms * perMs);
    }
  });

  test('property: any other text is refused, with both spellings in the message', () => {
    const text = fc
      .tuple(fc.string({ maxLength: 4 }), fc.constantFrom('', 'ms', 's', 'm', 'h', 'd', ' s', 'S'))
      .map(([number, unit]) => number + unit)
      .filter((value) => value !== '' && !/^[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h)?$/.test(value));
    fc.assert(
      fc.property(text, (value) => {
        const { code, message } = errorOf({ flags: { settle: value }, environment: {} });
        expect(code).toBe('USAGE');
        expect(message).toContain(`milliseconds from 0 to 2147483647, ${OR_DURATION}, got `);
      }),
    );
  });

  test.each(['597h', '2147483648', '2147484s'])('of %s is too long for a timer', (value) => {
    expect(errorOf({ flags: { settle: value }, environment: {} }).code).toBe('USAGE');
  });
});

describe('--rate-burst without --rate-limit', () => {
  test('is refused, wherever it is from', () => {
    expect(errorOf({ flags: { 'rate-burst': '5' }, environment: {} })).toMatchObject({
      code: 'USAGE',
      message: '--rate-burst: needs --rate-limit, the limit that it belongs to',
    });
    expect(errorOf({ flags: {}, environment: { VGPU_RATE_BURST: '5' } })).toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'VGPU_RATE_BURST: needs --rate-limit, the limit that it belongs to',
    });
    writeConfig({ 'rate-burst': 5 });
    expect(errorOf({ flags: { config: file }, environment: {} })).toMatchObject({
      code: 'INVALID_CONFIG',
      message: `"rate-burst" in ${file}: needs --rate-limit, the limit that it belongs to`,
    });
  });

  test('is accepted with a limit of another source', () => {
    writeConfig({ 'rate-limit': 2.5 });
    const flags = { config: file, 'rate-burst': '7' };
    const options = resolveOptions({ flags, environment: {} });
    expect(options).toMatchObject({ 'rate-limit': 2.5, 'rate-burst': 7 });
  });
});

describe('the config file', () => {
  const read = (flags = { config: file }) => errorOf({ flags, environment: {} });

  test('may be named in the environment; the flag counts first', () => {
    writeConfig({ root: '/file' });
    const other = join(directory, 'other.json');
    writeFileSync(other, '{"root":"/other"}');
    const environment = { VGPU_CONFIG: file };
    expect(resolveOptions({ flags: {}, environment }).root).toBe('/file');
    expect(resolveOptions({ flags: { config: other }, environment }).root).toBe('/other');
  });

  test.each(['rooot', 'Root', 'config', 'pollInterval', 'poll_interval', '__proto__', ''])(
    'with the unknown key %j is refused, and the known ones are named',
    (key) => {
      writeFileSync(file, `{"root":"/file",${JSON.stringify(key)}:1}`);
      const error = read();
      expect(error.code).toBe('INVALID_CONFIG');
      expect(error.message).toContain(`${file} has the unknown key ${JSON.stringify(key)}`);
      expect(error.message).toContain(`known are ${OPTION_NAMES.join(', ')}`);
    },
  );

  test.each(['[]', 'null', '"root"', '1', 'true'])('that holds %s is refused', (json) => {
    writeFileSync(file, json);
    expect(read()).toMatchObject({
      code: 'INVALID_CONFIG',
      message: `the config file ${file} must be one JSON object`,
    });
  });

  test.each(['', '{', '{"root":}', '{root:"x"}', '{} {}'])('that holds %j is refused', (text) => {
    writeFileSync(file, text);
    const error = read();
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.message.startsWith(`the config file ${file} cannot be read: `)).toBe(true);
  });

  test.each([
    '',
    ' ',
    '"/var/vgpu"',
    "'/var/vgpu'",
    '/var/vgpu\n',
    ' /var/vgpu',
    '/a\0b',
    '"',
    '""',
  ])('with the root %j is refused, as a flag and in the environment, too', (root) => {
    writeConfig({ root });
    expect(read().message).toContain(`"root" in ${file}: expected ${PATH}, got `);
    expect(errorOf({ flags: { root }, environment: {} }).message).toMatch(
      /^--root: expected a path/,
    );
    if (root === '') return;
    const { message } = errorOf({ flags: {}, environment: { VGPU_ROOT: root } });
    expect(message).toMatch(/^VGPU_ROOT in the environment: expected a path/);
  });

  test.each(['./vgpu', 'vgpu', '/srv/a b', '/srv/"a"', `/srv/it's`, '~'])(
    'takes the root %j',
    (root) => {
      expect(resolveOptions({ flags: { root }, environment: {} }).root).toBe(root);
    },
  );

  test('that is missing or a directory is refused with the reason', () => {
    expect(read()).toMatchObject({ code: 'INVALID_CONFIG', cause: { code: 'ENOENT' } });
    mkdirSync(file);
    expect(read()).toMatchObject({ code: 'INVALID_CONFIG', cause: { code: 'EISDIR' } });
  });
});

describe('the state directory', () => {
  const of = (flags: Record<string, string>) =>
    stateDirOf(resolveOptions({ flags, environment: {} }));

  test.each([
    { flags: {}, expected: '/var/vgpu-state' },
    { flags: { root: '/srv/vgpu' }, expected: '/srv/vgpu-state' },
    { flags: { root: '/srv/vgpu/' }, expected: '/srv/vgpu-state' },
    { flags: { root: '/srv/./x/../vgpu//' }, expected: '/srv/vgpu-state' },
    { flags: { root: 'vgpu' }, expected: `${process.cwd()}/vgpu-state` },
    // Beside the root, never in it, where the guests might reach it.
    { flags: { root: '.' }, expected: `${process.cwd()}-state` },
    { flags: { 'state-dir': '/run/vgpu' }, expected: '/run/vgpu' },
  ])('for $flags is $expected', ({ flags, expected }) => {
    expect(of(flags)).toBe(expected);
  });
});
