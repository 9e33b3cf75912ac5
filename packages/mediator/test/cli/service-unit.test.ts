/** The unit for systemd, as systemd itself judges it, and what installs it. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ExitCode } from '@vgpu/protocol';
import { installation, removal, type Step, execute } from '../../src/cli/installation.js';
import { requireWithinSandbox } from '../../src/cli/service-sandbox.js';
import { testIf } from '../../../../tests/support/describe-if.js';
import { sysusersText, unitText } from '../../src/cli/service-unit.js';
import { CommandRunner } from '../support/command-runner.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Of systemd-analyze security, 0 to 10: what a unit like this can reach, with some room. */
const MOST_EXPOSURE = 2.5;

const SHIPPED = fileURLToPath(
  new URL('../../../../deploy/systemd/vgpu-mediator.service', import.meta.url),
);
const UNIT = 'etc/systemd/system/vgpu-mediator.service';
const USERS = 'etc/sysusers.d/vgpu-mediator.conf';

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
const HOW_TO_ENABLE = 'skipped: it needs systemd-analyze (apt-get install systemd)';
const testWithSystemd = testIf.bind(undefined, hasSystemd, HOW_TO_ENABLE);

let directory: string;
/** What no unit hides. */
let shared: string;
let config: string;
let hiddenConfig: string;
let runner: CommandRunner;
beforeEach(() => {
  directory = temporaryDirectory();
  shared = mkdtempSync('/dev/shm/vgpu-test-');
  config = join(shared, 'c.json');
  hiddenConfig = join('/tmp', basename(shared));
  for (const file of [config, hiddenConfig]) writeFileSync(file, '{}');
  runner = new CommandRunner('/var/vgpu');
});

afterEach(() => {
  for (const path of [shared, hiddenConfig]) rmSync(path, { recursive: true });
});

const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
const read = (path: string) => readFileSync(join(directory, path), 'utf8');

describe('the unit', () => {
  test('that is shipped is that of an installation as it is by default', async () => {
    const unit = readFileSync(SHIPPED, 'utf8');
    expect(await runner.outputOf('service', 'print')).toBe(unit);
    expect(JSON.parse(await runner.outputOf('service', 'print', '--json'))).toEqual({ unit });
  });

  testWithSystemd('leaves little to an attacker who breaks into the mediator', () => {
    const bound = `--threshold=${MOST_EXPOSURE * 10}`;
    const { status, stdout } = analyze('security', '--offline=true', bound, SHIPPED);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/Overall exposure level .*: [0-2]\.[0-9]/),
    });
  });

  testWithSystemd('is correct, also with odd paths', () => {
    const script = join(directory, 'a "b" $HOME 100% \\ c.js');
    writeFileSync(script, '');
    const options = { user: 'vgpu', root: '/srv/a b', stateDir: '/srv/$100%' };
    const path = join(directory, 'vgpu-mediator.service');
    writeFileSync(path, unitText({ ...options, command: [process.execPath, script] }));
    const { status, stderr } = analyze('verify', '--man=no', path);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('\nReadWritePaths="/srv/a b" /srv/$100%%\n');
    expect(text).toContain(String.raw`/a \"b\" $$HOME 100%% \\ c.js"`);
  });

  const homes = [
    ['/var/vgpu', '/var/vgpu'],
    ['/srv/a b', '/srv/a b'],
    ['/srv/100%/%u', '/srv/100%/%u'],
    ['/srv/"a" \'b\' \\c $d ä', '/srv/"a" \'b\' \\c $d ä'],
    ['/srv/a:b', '/'],
  ];
  testWithSystemd('has a user whom systemd-sysusers makes, at home in its root', () => {
    for (const [root = '', home = ''] of homes) {
      for (const name of ['passwd', 'group', 'shadow', 'gshadow']) {
        mkdirSync(join(directory, 'etc'), { recursive: true });
        writeFileSync(join(directory, 'etc', name), '');
      }
      const conf = join(directory, 'vgpu.conf');
      writeFileSync(conf, sysusersText({ user: 'vgpu', root }));
      const { status } = spawnSync('systemd-sysusers', ['--root', directory, conf]);
      expect(status).toBe(0);
      expect(read('etc/passwd').replace(/\d+:\d+/, 'n:n')).toBe(
        `vgpu:x:n:n:vGPU Mediator:${home}:/usr/sbin/nologin\n`,
      );
      expect(read('etc/group')).toMatch(/^video:x:\d+:vgpu$/m);
    }
  });
});

describe('service print', () => {
  test('has what it is given', async () => {
    const place = ['--root', '/srv/vgpu', '--user', 'gpu', '--config', config];
    const text = await runner.outputOf('service', 'print', ...place, '--', '--backend', 'cuda');
    expect(text).toContain(
      ` serve --root /srv/vgpu --state-dir /srv/vgpu-state --config ${config} --backend cuda\n`,
    );
    expect(text).toContain('\nUser=gpu\n');
    expect(text).toContain('\nReadWritePaths=/srv/vgpu /srv/vgpu-state\n');
  });

  test('has the config file of the environment', async () => {
    runner.environment['VGPU_CONFIG'] = config;
    expect(await runner.outputOf('service', 'print')).toContain(` --config ${config}\n`);
  });

  test.each([
    [['--', '--settle', '-5'], 'USAGE', '--settle'],
    [['--', '--bakend', 'cpu'], 'USAGE', 'options of serve'],
    [['--', 'serve', '--backend', 'cpu'], 'USAGE', 'options of serve'],
    [['--', '--once'], 'USAGE', '--once'],
    [['--', '--check-config', '--json'], 'USAGE', '--check-config'],
    [['--', '--root', '/srv/x'], 'USAGE', 'give it before --'],
    [['--', '--config', 'x.json'], 'USAGE', 'give it before --'],
    [['--user', 'Root; x'], 'USAGE', '--user'],
  ])('refuses %j, which no service could run with', async (args, code, text) => {
    const error = await runner.errorOf('service', 'print', ...args);
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
  });

  test.each(['/home/me/node', '/root/.nvm/node'])('refuses a program at %s', async (node) => {
    runner.program = [node, '/usr/lib/x.cjs'];
    const error = await runner.errorOf('service', 'print');
    expect(error).toMatchObject({
      code: 'SERVICE_UNUSABLE',
      message: expect.stringContaining(`cannot read ${node}`),
    });
  });

  test.each([
    ['--root', '/home/me/vgpu'],
    ['--root', '/tmp/vgpu'],
    ['--state-dir', '/root/state'],
    ['--state-dir', '/var/tmp/state'],
    ['--config', '/home/me/vgpu.json'],
    ['--root', '/srv/../home'],
    ['--root', '/dev/shm/vgpu'],
    ['--root', '/run/vgpu'],
    ['--state-dir', '/var/cache/vgpu/state'],
    ['--', '--http', 'unix:/run/user/1000/http.sock'],
    ['--', '--http', 'unix:/tmp/http.sock'],
    ['--', '--http', 'unix:/srv/http.sock'],
    ['--', '--http', 'unix:./http.sock'],
    ['--', '--http', '127.0.0.1:80'],
  ])('refuses %j %j %s, with which it could not start or last', async (...args) => {
    const given = args.map((arg) => (arg === '/home/me/vgpu.json' ? hiddenConfig : arg));
    const error = await runner.errorOf('service', 'print', ...given);
    expect(error).toMatchObject({
      code: 'SERVICE_UNUSABLE',
      message: expect.stringContaining(`(${given[given[0] === '--' ? 1 : 0] ?? ''})`),
    });
  });

  test('refuses the same of a config file, and one that serves but once', async () => {
    writeFileSync(config, JSON.stringify({ http: 'unix:/tmp/http.sock' }));
    const place = ['service', 'print', '--config', config];
    expect(await runner.errorOf(...place)).toMatchObject({ code: 'SERVICE_UNUSABLE' });
    writeFileSync(config, JSON.stringify({ once: true }));
    expect(await runner.errorOf(...place)).toMatchObject({ code: 'USAGE' });
  });

  test.each(['unix:/run/vgpu/http.sock', 'unix:/var/vgpu-state/http.sock', '127.0.0.1:9741'])(
    'takes --http %s',
    async (http) => {
      expect(await runner.outputOf('service', 'print', '--', '--http', http)).toContain(http);
    },
  );
});

describe('the sandbox', () => {
  const LINKS: Readonly<Record<string, string>> = {
    '/srv/home': '/home/me',
    '/srv/up': '../tmp/x',
    '/srv/across': '/home/me/across',
    '/home/me/across': '/srv/open',
    '/var/run': '/run',
    '/home': 'data/people',
    '/srv/loop': '/srv/loop',
  };
  const check = (root: string, http = '/run/vgpu/http.sock') => {
    requireWithinSandbox(
      {
        program: ['/usr/bin/node'],
        root,
        stateDir: '/var/vgpu-state',
        config: undefined,
        http: { kind: 'unix', path: http },
      },
      (path) => LINKS[path],
    );
  };

  test.each([
    '/srv/home/vgpu',
    '/srv/up',
    // The way through a home is hidden, although it leads elsewhere.
    '/srv/across/vgpu',
    '/var/run/user/7/vgpu',
    '/home/me/vgpu',
    '/data/people/me/vgpu',
  ])('does not show %s', (root) => {
    expect(() => {
      check(root);
    }).toThrow(`cannot see ${root} (--root)`);
  });

  test.each(['/srv/open', '/srv/homes/vgpu', '/tmpfs/vgpu', '/srv/loop/vgpu'])(
    'shows %s',
    (root) => {
      expect(() => {
        check(root, '/var/run/vgpu/http.sock');
      }).not.toThrow();
    },
  );

  test('is left by links of this host', () => {
    const link = join(shared, 'link');
    symlinkSync('/tmp/x', link);
    expect(() => {
      requireWithinSandbox({
        program: [],
        root: link,
        stateDir: '/var/s',
        config: undefined,
        http: undefined,
      });
    }).toThrow(`cannot see ${link}`);
  });
});

describe('service install and uninstall', () => {
  test('write two files below another directory, run nothing there, and remove them', async () => {
    const destdir = ['--destdir', directory];
    expect(await runner.outputOf('service', 'install', '--now', ...destdir)).toBe(
      `write ${directory}/${USERS}\nwrite ${directory}/${UNIT}`,
    );
    expect(read(UNIT)).toBe(readFileSync(SHIPPED, 'utf8'));
    expect(read(USERS)).toMatch(/^u vgpu /m);
    expect(await runner.run('service', 'uninstall', ...destdir)).toBe(ExitCode.OK);
    expect(readdirSync(join(directory, 'etc/systemd/system'))).toEqual([]);
    expect(readdirSync(join(directory, 'etc/sysusers.d'))).toEqual([]);
    // There is nothing left to remove.
    expect(await runner.run('service', 'uninstall', ...destdir)).toBe(ExitCode.OK);
  });

  test('print what they would do', async () => {
    const root = '/srv/vgpu-that-is-not-there';
    runner.environment['VGPU_ROOT'] = root;
    expect(await runner.outputOf('service', 'install', '--now', '--dry-run')).toBe(
      [
        `write /${USERS}`,
        `write /${UNIT}`,
        `systemd-sysusers /${USERS}`,
        `install -d -o vgpu -g vgpu -m 0755 ${root}`,
        `install -d -o vgpu -g vgpu -m 0700 ${root}-state`,
        'systemctl daemon-reload',
        'systemctl enable --now vgpu-mediator.service',
      ].join('\n'),
    );
    expect(await runner.outputOf('service', 'uninstall', '--dry-run')).toBe(
      [
        'systemctl disable --now vgpu-mediator.service',
        `remove /${UNIT}`,
        `remove /${USERS}`,
        'systemctl daemon-reload',
      ].join('\n'),
    );
    const json = await runner.outputOf('service', 'uninstall', '--dry-run', '--json');
    expect(JSON.parse(json)).toEqual(removal());
    expect(existsSync(`/${UNIT}`)).toBe(false);
  });

  testIf(
    !existsSync('/run/systemd/system'),
    'skipped: systemd runs this host',
    'refuse a host without systemd',
    async () => {
      for (const command of ['install', 'uninstall']) {
        const error = await runner.errorOf('service', command);
        expect(error).toMatchObject({
          code: 'SERVICE_UNUSABLE',
          message: expect.stringContaining('this host is not run by systemd'),
        });
      }
    },
  );

  test('leave directories alone that are there', () => {
    const options = { command: ['/x'], user: 'vgpu', root: '/var/vgpu', stateDir: '/var/s' };
    const runs = (exists: boolean) =>
      installation(options, false, () => exists).flatMap((step) =>
        'run' in step ? [step.run[0]] : [],
      );
    expect(runs(false)).toEqual(['systemd-sysusers', 'install', 'install', 'systemctl']);
    expect(runs(true)).toEqual(['systemd-sysusers', 'systemctl']);
  });

  test('stop at the first step that fails, and say which', async () => {
    const ran: string[] = [];
    const steps: Step[] = [{ run: ['systemctl', 'daemon-reload'] }, ...removal()];
    const taking = execute(steps, '/', (program, args) => {
      ran.push([program, ...args].join(' '));
      return Promise.reject(new Error('Access denied'));
    });
    await expect(taking).rejects.toMatchObject({
      code: 'SERVICE_UNUSABLE',
      message: expect.stringMatching(
        /^cannot systemctl daemon-reload: Access denied; run it as root/,
      ),
    });
    expect(ran).toEqual(['systemctl daemon-reload']);
  });
});
