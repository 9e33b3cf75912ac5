/** The configuration as an operator meets it: checked, printed, and changed while a mediator runs. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  environment,
  type Finished,
  MEDIATOR,
  MediatorProcess,
  run,
  runClient,
  TestRoot,
  until,
} from './support/processes.js';

const TOKEN = 'a-token-that-nobody-sees';

let root: TestRoot;
let file: string;
beforeEach(() => {
  root = new TestRoot();
  file = join(root.base, 'config.json');
});
afterEach(() => {
  root.remove();
});

const configure = (config: unknown) => {
  writeFileSync(file, JSON.stringify(config));
};

function mediatorWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> {
  return run(process.execPath, [MEDIATOR, ...args], { env: { ...environment, ...env } });
}

describe('--check-config', () => {
  const check = (...args: string[]) =>
    mediatorWith({}, '--check-config', '--root', root.path, ...args);

  it('says in one line that all is well, and makes nothing', async () => {
    configure({ settle: 5, devices: [0, 1] });
    expect(await check('--config', file)).toEqual({
      status: 0,
      stdout: `the configuration is valid (${file})\n`,
      stderr: '',
    });
    expect((await check()).stdout).toBe('the configuration is valid (no config file)\n');
    expect(existsSync(`${root.path}-state`)).toBe(false);
  });

  it('names everything that is wrong with flags, environment and file', async () => {
    configure({ settle: 'soon', rooot: '/', Devices: 'all' });
    const checked = await mediatorWith(
      { VGPU_LOG_LEVEL: 'loud' },
      ...['serve', '--check-config', '--config', file, '--backend', 'gpu'],
    );
    expect(checked).toMatchObject({ status: 78, stdout: '' });
    const problems = checked.stderr.trimEnd().split('\n');
    expect(problems).toHaveLength(5);
    for (const what of ['"rooot"', '"Devices"', '--backend', '"settle"', 'VGPU_LOG_LEVEL']) {
      expect(problems.filter((problem) => problem.includes(what))).toHaveLength(1);
    }
  });

  it.each([
    {
      what: 'a page for every client',
      prepare: () => {
        configure({ http: '0.0.0.0:9741' });
      },
      problem: /--http: .*--http-token/,
    },
    {
      what: 'a state directory that VMs reach',
      prepare: () => {
        mkdirSync(root.in(1, 'state'));
        configure({ 'state-dir': root.in(1, 'state') });
      },
      problem: /is within the root/,
    },
    {
      what: 'a state directory that is a file',
      prepare: () => {
        writeFileSync(join(root.base, 'state'), '');
        configure({ 'state-dir': join(root.base, 'state') });
      },
      problem: /expected a directory/,
    },
    {
      what: 'a registry that cannot be understood',
      prepare: () => {
        mkdirSync(`${root.path}-state`);
        writeFileSync(`${root.path}-state/registry.json`, '{"version":2,"vms":{"0":{}}}');
        configure({});
      },
      problem: /registry\.json/,
    },
    {
      what: 'a file that is no JSON',
      prepare: () => {
        writeFileSync(file, '{ settle: 5 }');
      },
      problem: /cannot be read/,
    },
  ])('finds $what', async ({ prepare, problem }) => {
    prepare();
    const checked = await check('--config', file);
    expect(checked).toMatchObject({ status: 78, stdout: '' });
    expect(checked.stderr).toMatch(problem);
    const asJson = await check('--config', file, '--json');
    expect(asJson).toMatchObject({ status: 78, stderr: '' });
    const { valid, problems } = JSON.parse(asJson.stdout) as {
      valid: boolean;
      problems: { message: string }[];
    };
    expect(valid).toBe(false);
    expect(problems.some(({ message }) => problem.test(message))).toBe(true);
  });

  it('as JSON says when all is well, too', async () => {
    const { status, stdout } = await check('--json');
    expect([status, JSON.parse(stdout)]).toEqual([0, { valid: true, problems: [] }]);
  });
});

describe('--print-config', () => {
  const GIVEN = ['--print-config', '--poll-interval', '50'];

  it('prints the values with their sources, separated by tabs on a pipe', async () => {
    configure({ settle: 5, 'poll-interval': 9, http: '[::1]:80', 'rate-limit': 2.5 });
    const env = { VGPU_ROOT: root.path, VGPU_CONFIG: file, VGPU_HTTP_TOKEN: TOKEN };
    const { status, stdout, stderr } = await mediatorWith(env, ...GIVEN);
    expect([status, stderr]).toEqual([0, '']);
    const rows = stdout.trimEnd().split('\n');
    expect(rows).toEqual(
      expect.arrayContaining([
        'SETTING\tVALUE\tSOURCE\tNAME',
        `config\t${file}\tenvironment\tVGPU_CONFIG`,
        `root\t${root.path}\tenvironment\tVGPU_ROOT`,
        `state-dir\t${root.path}-state\tdefault\t-`,
        'poll-interval\t50\tflag\t--poll-interval',
        `settle\t5\tfile\t${file}`,
        `http\t[::1]:80\tfile\t${file}`,
        'http-token\t(hidden)\tenvironment\tVGPU_HTTP_TOKEN',
        'rate-burst\t3\tdefault\t-',
        'exec-limit\t10000\tdefault\t-',
      ]),
    );
    expect(stdout).not.toContain(TOKEN);
  });

  it('as JSON has values of their types, which another config file may have', async () => {
    configure({ settle: 5, devices: [0, 1], once: true });
    const env = { VGPU_HTTP_TOKEN: TOKEN };
    const { stdout } = await mediatorWith(env, ...GIVEN, '--config', file, '--json');
    expect(stdout).not.toContain(TOKEN);
    const printed = JSON.parse(stdout) as Record<string, { value: unknown }>;
    expect(printed).toMatchObject({
      settle: { value: 5, source: 'file', name: file },
      devices: { value: [0, 1], source: 'file' },
      'poll-interval': { value: 50, source: 'flag', name: '--poll-interval' },
      'rate-limit': { value: null, source: 'default', name: null },
    });
    const { config, 'http-token': token, ...settings } = printed;
    expect([config?.value, token?.value]).toEqual([file, '(hidden)']);
    const again = Object.entries(settings)
      .filter(([, { value }]) => value !== null)
      .map(([name, { value }]): [string, unknown] => [name, value]);
    configure(Object.fromEntries(again));
    const second = await mediatorWith({}, '--print-config', '--config', file, '--json');
    const copied = JSON.parse(second.stdout) as typeof printed;
    for (const [name, value] of again) expect(copied[name]).toMatchObject({ value });
  });

  it('refuses what serve would refuse', async () => {
    expect(await mediatorWith({}, '--print-config', '--settle', 'x')).toMatchObject({ status: 64 });
    expect(await mediatorWith({ VGPU_SETTLE: 'x' }, '--print-config')).toMatchObject({
      status: 78,
      stdout: '',
    });
  });
});

it.each([['--json'], ['--check-config', '--print-config']])(
  'a mediator does not start with %s and what goes with it missing or in its way',
  async (...flags) => {
    expect(await mediatorWith({}, '--root', root.path, ...flags)).toMatchObject({ status: 64 });
  },
);

describe('SIGHUP', () => {
  it('takes over what can change, and warns of each setting that cannot', async () => {
    configure({ settle: 100 });
    const mediator = await MediatorProcess.serving(root, '--config', file);
    configure({
      settle: 7,
      'log-level': 'debug',
      once: true,
      'cpu-delay': 3,
      'log-format': 'pretty',
    });
    mediator.signal('SIGHUP');
    const warnings = () => mediator.log.filter(({ level }) => level === 'warn');
    await until(() => warnings().length > 0, 'the warning');
    expect(mediator.logged('configuration reloaded')).toMatchObject([
      { changed: ['settle', 'log-level'] },
    ]);
    // The flag for the log's format counts before the file.
    expect(warnings()).toMatchObject([{ needsRestart: ['cpu-delay', 'once'] }]);
    await runClient(root, 1, '1', '2');
    expect(mediator.logged('request queued')).toHaveLength(1);
    expect(await mediator.stop()).toBe(0);
  });

  it('keeps all values if the new file is invalid, and says so', async () => {
    configure({ 'log-level': 'debug' });
    const mediator = await MediatorProcess.serving(root, '--config', file);
    configure({ 'log-level': 'error', settle: 'soon' });
    mediator.signal('SIGHUP');
    const complaints = () => mediator.log.filter(({ level }) => level === 'error');
    await until(() => complaints().length > 0, 'the complaint');
    expect(complaints()[0]?.message).toMatch(/keeping the configuration/);
    expect(complaints()[0]?.['error']).toMatch(/"settle" in .*config\.json: expected milliseconds/);
    expect(mediator.logged('configuration reloaded')).toEqual([]);
    await runClient(root, 1, '1', '2');
    expect(mediator.logged('request queued')).toHaveLength(1);
    expect(await mediator.stop()).toBe(0);
  });
});
