import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeRegisterBlock } from '@vgpu/protocol';
import { ask } from '../packages/mediator/test/support/http-client.js';
import { FakePci } from '../packages/vm-client/test/fake-pci.js';
import {
  CLIENT,
  environment,
  MEDIATOR,
  MediatorProcess,
  run,
  TestRoot,
  until,
} from './support/processes.js';

const repository = resolve(import.meta.dirname, '..');
const { packageManager } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  packageManager: string;
};

/** The most that a package may have, so that what makes it grow is seen; KiB. */
const limits = JSON.parse(readFileSync(join(repository, 'tests/sizes.json'), 'utf8')) as Record<
  'packedKiB' | 'unpackedKiB',
  Record<string, number>
>;
const NAMES = readdirSync(join(repository, 'packages'));

const IDENTITY = { pool: 'B', priority: 2, vm: 7 } as const;

/** A program in TypeScript that uses each library by what it is for. */
const PROGRAM = `
import { PriorityQueue } from '@vgpu/queue';
import { decodeAnswer, encodeRequest, type Answer } from '@vgpu/protocol';
import { openDevice, type VectorAdder } from '@vgpu/cuda-binding';
import { Mediator, type MediatorOptions } from '@vgpu/mediator';
import { isErrno } from '@vgpu/linux';
import { VgpuClient } from '@vgpu/vm-client';

const queue = new PriorityQueue<string>();
queue.push('low', 0);
queue.push('high', 2);
const first: string | undefined = queue.pop();
const answer: Answer = decodeAnswer('300\\n');
const line: string = encodeRequest({
  pool: 'A', priority: 2, vm: 1, a: Int32Array.of(1), b: Int32Array.of(2),
});
const device: VectorAdder = await openDevice({ backend: 'cpu' });
const sum: number = await device.addScalar(1, 2);
await device.close();
const options: MediatorOptions | undefined = undefined;
const isMissing: boolean = isErrno(new Error('none'), 'ENOENT');
const client = new VgpuClient({ root: '/nonexistent', vmId: 1 });
await client.close();
console.log(JSON.stringify([first, answer, line, sum, options ?? null, typeof Mediator]));
`;

describe('the packed packages, installed by npm outside the repository', () => {
  const base = mkdtempSync(join(tmpdir(), 'vgpu-packages-'));
  const project = join(base, 'project');
  const tarballs = join(base, 'tarballs');
  const tarballOf = (name: string) => {
    const file = readdirSync(tarballs).find((each) => each.startsWith(`vgpu-${name}-`));
    return join(tarballs, file ?? name);
  };
  // An empty home, but what npm has downloaded once need not come again.
  const env = { ...environment, HOME: base, npm_config_cache: join(repository, '.cache/npm') };
  const inProject = (command: string, ...args: string[]) =>
    run(command, args, { cwd: project, env });

  beforeAll(async () => {
    mkdirSync(project);
    const pack = ['-r', '--filter', './packages/*', 'pack', '--pack-destination', tarballs];
    const packed = await run('npx', ['--yes', packageManager, ...pack], { cwd: repository });
    expect(packed).toMatchObject({ status: 0 });
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    const files = readdirSync(tarballs).map((name) => join(tarballs, name));
    expect(files).toHaveLength(6);
    expect(await inProject('npm', 'install', ...files)).toMatchObject({ status: 0 });
  });
  afterAll(() => {
    rmSync(base, { recursive: true, force: true });
  });

  it('hold what they need, and nothing else', () => {
    for (const name of readdirSync(join(project, 'node_modules/@vgpu'))) {
      const folder = join(project, 'node_modules/@vgpu', name);
      const files = readdirSync(folder).filter((file) => file !== 'node_modules');
      const bundle = /mediator|client/.test(name) ? ['bundle'] : [];
      const addon = ['binding.gyp', 'native', 'prebuilds', 'scripts'];
      const native =
        {
          'cuda-binding': [...addon, 'kernels'],
          linux: addon,
          mediator: ['deploy', 'page'],
          'vm-client': ['udev'],
        }[name] ?? [];
      expect(files.sort()).toEqual(
        ['LICENSE', 'README.md', ...bundle, 'dist', 'package.json', ...native].sort(),
      );
      const inside = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' });
      expect(inside.filter((file) => /\.tsbuildinfo$|\.map$|test/.test(file))).toEqual([]);
      // What only a program uses is in its bundle; `protocol/cli` is for both programs.
      const ofPrograms = inside.filter((file) => /^(?:cli|http)(?:\/|$)|^bin\./.test(file));
      expect(name === 'protocol' ? [] : ofPrograms).toEqual([]);
    }
  });

  it.each(NAMES)('give a %s that publint and attw find nothing wrong with', async (name) => {
    const tools = join(repository, 'node_modules/.bin');
    const lint = await run(join(tools, 'publint'), [tarballOf(name), '--strict']);
    expect(lint).toMatchObject({ status: 0 });
    // ES modules only: every Node that the packages run on can require them.
    const types = await run(join(tools, 'attw'), [tarballOf(name), '--profile', 'esm-only']);
    expect(types).toMatchObject({ status: 0 });
  });

  it.each(NAMES)('give a %s with neither tests nor source maps, as small as it was', (name) => {
    const folder = join(project, 'node_modules/@vgpu', name);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => !file.startsWith('node_modules'))
      .filter((file) => statSync(join(folder, file)).isFile());
    expect(files.filter((file) => /\btests?\b|\.map$/.test(file))).toEqual([]);
    const scripts = files.filter((file) => /\.[cm]?js$|\.d\.ts$/.test(file));
    expect(
      scripts.filter((file) =>
        /^\/\/# sourceMappingURL=/m.test(readFileSync(join(folder, file), 'utf8')),
      ),
    ).toEqual([]);
    const packed = statSync(tarballOf(name)).size / 1024;
    expect(packed).toBeLessThanOrEqual(limits.packedKiB[name] ?? 0);
    const unpacked = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0) / 1024;
    const sizes = `${packed.toFixed(1)} KiB packed, ${unpacked.toFixed(1)} KiB unpacked`;
    process.stdout.write(`@vgpu/${name}: ${sizes}\n`);
    expect(unpacked).toBeLessThanOrEqual(limits.unpackedKiB[name] ?? 0);
  });

  it.each(NAMES)('give a %s whose README has no link that only works in the repository', (name) => {
    const text = readFileSync(join(project, 'node_modules/@vgpu', name, 'README.md'), 'utf8');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|\b(?:href|src|srcset)="([^"]+)"/g)];
    const relative = targets
      .map(([, link, attribute]) => link ?? attribute ?? '')
      .filter((link) => !/^(?:https:\/\/|#)/.test(link));
    expect(relative).toEqual([]);
  });

  it.each(NAMES)('give a %s that npm would publish', async (name) => {
    // By force, since this version may be the one that is published already.
    const publish = ['publish', '--dry-run', '--force', tarballOf(name)];
    const published = await inProject('npm', ...publish);
    expect(published).toMatchObject({ status: 0 });
  });

  it('bring the native parts, so that installing compiles nothing', () => {
    const filesIn = (folder: string) =>
      readdirSync(join(project, 'node_modules/@vgpu', folder)).sort();
    for (const name of ['cuda-binding', 'linux']) {
      expect(filesIn(`${name}/prebuilds`)).toEqual(['linux-x64']);
    }
    expect(filesIn('vm-client/udev')).toEqual(['60-vgpu.rules']);
    expect(filesIn('linux/scripts')).toEqual([
      'install-addon.mjs',
      'install-types.d.mts',
      'install.mjs',
      'rebuild-arguments.mjs',
      'source-hash.mjs',
    ]);
  });

  it('give a client that reads the registers of a device', async () => {
    const pci = new FakePci();
    const directory = pci.addStub('0000:00:05.0', encodeRegisterBlock(IDENTITY));
    const program = `console.log(JSON.stringify(require('@vgpu/vm-client').readIdentity(process.argv[1])))`;
    expect(await inProject('node', '-e', program, directory)).toEqual({
      status: 0,
      stdout: `${JSON.stringify(IDENTITY)}\n`,
      stderr: '',
    });
    pci.remove();
  });

  it('give programs that work', async () => {
    mkdirSync(join(project, 'vgpu/vm1'), { recursive: true });
    writeFileSync(join(project, 'vgpu/vm1/request-a.txt'), 'A:2:1:100:200\n');
    const flags = ['--root', './vgpu', '--backend', 'cpu', '--once'];
    const mediator = await inProject('npx', 'vgpu-mediator', ...flags);
    expect(mediator).toMatchObject({ status: 0, stdout: '' });
    expect(readFileSync(join(project, 'vgpu/vm1/response-a.txt'), 'utf8')).toBe('300\n');

    const serving = spawn('node_modules/.bin/vgpu-mediator', ['--root', './vgpu'], {
      cwd: project,
      env,
      stdio: 'ignore',
    });
    try {
      const request = ['100', '200', '--root', './vgpu', '--vm-id', '1'];
      const client = await inProject('npx', 'vgpu-vm-client', ...request);
      expect(client).toEqual({ status: 0, stdout: '300\n', stderr: '' });
    } finally {
      serving.kill('SIGTERM');
    }
    expect((await once(serving, 'exit'))[0]).toBe(0);
    for (const program of ['vgpu-mediator', 'vgpu-vm-client']) {
      const { stdout } = await inProject('npx', program, '--version');
      expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
  });

  it('give a mediator that has its page with it', async () => {
    const endpoint = { kind: 'unix', path: join(project, 'http.sock') } as const;
    const flags = ['--root', './vgpu', '--backend', 'cpu', '--http', 'unix:./http.sock'];
    const mediator = spawn('node_modules/.bin/vgpu-mediator', flags, {
      cwd: project,
      env,
      stdio: 'ignore',
    });
    try {
      await until(() => existsSync(endpoint.path), 'the socket');
      for (const [path, type] of [
        ['/', 'text/html'],
        ['/page.js', 'text/javascript'],
        ['/page.css', 'text/css'],
        ['/icon.svg', 'image/svg+xml'],
        ['/metrics', 'text/plain'],
      ] as const) {
        const { status, headers, body } = await ask(endpoint, path);
        expect([status, headers['content-type']?.split(';')[0]]).toEqual([200, type]);
        expect(body.length).toBeGreaterThan(200);
      }
    } finally {
      mediator.kill('SIGTERM');
    }
    expect((await once(mediator, 'exit'))[0]).toBe(0);
  });

  it.each([
    ['vgpu-vm-client', ['100', '200', '--root', 'vgpu', '--vm-id', '9']],
    ['vgpu-vm-client', ['--verbose', '--json', '1e3', '2']],
    ['vgpu-vm-client', ['--help']],
    ['vgpu-vm-client', ['bench', '--help']],
    ['vgpu-vm-client', ['bench', '--vms', '2', '--root', 'vgpu']],
    ['vgpu-vm-client', ['bench', '--rate', '5', '--in-flight', '8']],
    ['vgpu-vm-client', ['--root']],
    ['vgpu-vm-client', ['1', '2', '--no-json', '--root', 'vgpu']],
    ['vgpu-vm-client', ['1', '2', '--device', 'package.json']],
    ['vgpu-mediator', ['--help']],
    ['vgpu-mediator', ['vm', 'add', '--help']],
    ['vgpu-mediator', ['vm', 'show', '7', '--json', '--qemu']],
    ['vgpu-mediator', ['vm', 'add', '7', '--pool', 'B']],
    ['vgpu-mediator', ['vm']],
    ['vgpu-mediator', ['--rooot', 'x', '-y']],
    ['vgpu-mediator', ['serve', 'now']],
    ['vgpu-mediator', ['--settle', '-5']],
    ['vgpu-mediator', ['--config', 'package.json']],
    ['vgpu-mediator', ['--root', 'vgpu', '--state-dir', 'invalid', '--backend', 'cpu']],
    ['vgpu-mediator', ['--root', 'vgpu', '--state-dir', 'invalid', '--backend', 'cuda']],
    ['vgpu-mediator', ['--root', 'vgpu', '--state-dir', 'invalid', '--check-config']],
    ['vgpu-mediator', ['--print-config', '--json']],
    ['vgpu-mediator', ['completion', 'zsh']],
    ['vgpu-vm-client', ['completion', 'fish']],
  ])('give %s that does with %j what it does in the repository', async (program, args) => {
    mkdirSync(join(project, 'invalid'), { recursive: true });
    const registry = { version: 1, vms: { 7: { pool: 'B', priority: 0, more: 1 } } };
    writeFileSync(join(project, 'invalid/registry.json'), JSON.stringify(registry));
    const packed = await inProject(join(project, 'node_modules/.bin', program), ...args);
    const built = program === 'vgpu-mediator' ? MEDIATOR : CLIENT;
    expect(packed).toEqual(await inProject('node', built, ...args));
  });

  it('give programs whose scripts have bash complete their commands', async () => {
    const script = `
      for program in vgpu-mediator vgpu-vm-client; do
        source <($program completion bash)
        COMP_WORDS=($program "$1") COMP_CWORD=1
        _\${program//-/_}
        echo "\${COMPREPLY[@]}"
      done`;
    const bin = join(project, 'node_modules/.bin');
    const completed = await run('bash', ['--norc', '-c', script, 'bash', 'com'], {
      cwd: project,
      env: { ...env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
    expect(completed).toEqual({ status: 0, stdout: 'completion\ncompletion\n', stderr: '' });
  });

  describe('give programs that load', () => {
    /** The files that a program has loaded at its end, without the folder; `node:` ones are left out. */
    async function loadedBy(program: string, ...args: string[]): Promise<string[]> {
      const spy = join(project, 'spy.cjs');
      writeFileSync(
        spy,
        `process.on('exit', () => {
          const { writeFileSync, readFileSync } = require('node:fs');
          const addons = readFileSync('/proc/self/maps', 'utf8').match(/[^/\\n]*\\.node$/gm) ?? [];
          writeFileSync('loaded.json', JSON.stringify([...Object.keys(require.cache), ...new Set(addons)]));
        });`,
      );
      const command = ['--require', spy, join(project, 'node_modules/.bin', program), ...args];
      expect(await inProject('node', ...command)).toMatchObject({ status: 0 });
      const loaded = JSON.parse(readFileSync(join(project, 'loaded.json'), 'utf8')) as string[];
      const names = loaded.filter((path) => path !== spy).map((path) => basename(path));
      // An addon is both a module and mapped.
      return [...new Set(names)];
    }

    it('its file and the addon, where a request is sent', async () => {
      const root = new TestRoot();
      const mediator = await MediatorProcess.serving(root);
      const request = ['100', '200', '--root', root.path, '--vm-id', '1'];
      expect(await loadedBy('vgpu-vm-client', ...request)).toEqual([
        'vgpu-vm-client.cjs',
        'program.cjs',
        'vgpu_linux.node',
      ]);
      await mediator.stop();
      root.remove();
    });

    it('one for the progress besides, where many requests are sent', async () => {
      const root = new TestRoot();
      const mediator = await MediatorProcess.serving(root);
      const bench = ['bench', '--root', root.path, '--vm-id', '1', '--duration', '100ms'];
      const files = ['vgpu-vm-client.cjs', 'program.cjs', 'vgpu_linux.node', 'cli-progress.cjs'];
      expect(await loadedBy('vgpu-vm-client', ...bench)).toEqual(files);
      await mediator.stop();
      root.remove();
    });

    it('its file and the addon, where requests are served', async () => {
      const serve = ['--root', './vgpu', '--backend', 'cpu', '--once'];
      expect(await loadedBy('vgpu-mediator', ...serve)).toEqual([
        'vgpu-mediator.cjs',
        'program.cjs',
        'vgpu_linux.node',
      ]);
    });

    it('prom-client too, where metrics are served', async () => {
      const serve = ['--root', './vgpu', '--backend', 'cpu', '--once', '--http', '127.0.0.1:0'];
      const loaded = await loadedBy('vgpu-mediator', ...serve);
      const files = ['vgpu-mediator.cjs', 'program.cjs', 'prom-client.cjs', 'vgpu_linux.node'];
      expect(loaded).toEqual(files);
    });

    it.each(['vgpu-vm-client', 'vgpu-mediator'])('yargs too, for the help of %s', async (name) => {
      expect(await loadedBy(name, '--help')).toEqual([`${name}.cjs`, 'program.cjs', 'yargs.cjs']);
    });
  });

  it('hold code of those that THIRD-PARTY.md lists, and its licences', () => {
    const modules = join(project, 'node_modules');
    const places = new Map<string, string[]>();
    const found = (name: string, license: string, place: string) => {
      expect(license).toMatch(/^(?:MIT|ISC|Apache-2\.0)$/);
      const key = `${name} | ${license}`;
      places.set(key, [...(places.get(key) ?? []), place]);
    };
    for (const name of readdirSync(modules).filter((entry) => /^[a-z]/.test(entry))) {
      const manifest = readFileSync(join(modules, name, 'package.json'), 'utf8');
      found(name, (JSON.parse(manifest) as { license: string }).license, 'installed');
    }
    for (const [place, file] of [
      ['`vgpu-mediator`', 'mediator/bundle/LICENSES.txt'],
      ['the page', 'mediator/page/dist/LICENSES.txt'],
      ['`vgpu-vm-client`', 'vm-client/bundle/LICENSES.txt'],
    ] as const) {
      const texts = readFileSync(join(modules, '@vgpu', file), 'utf8');
      const titles = texts.matchAll(/^-{72}\n\n(\S+) \S+ \((.*)\)\n\n\S/gm);
      const names = Array.from(titles, ([, name = '', license = '']) => `${name} | ${license}`);
      expect(names.length).toBeGreaterThan(0);
      for (const each of new Set(names)) found(...(each.split(' | ') as [string, string]), place);
    }
    const rows = Array.from(places, ([key, where]) => `${key} | ${where.join(', ')}`);
    const table = readFileSync(join(repository, 'THIRD-PARTY.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (?:package|-)/.test(line))
      .map((line) => line.slice(2, -2).replaceAll(/ +\|/g, ' |').trimEnd());
    expect(table).toEqual(rows.sort());
  });

  it('give types of their own to a program that has none of Node and of the DOM', async () => {
    const names = ['queue', 'protocol', 'linux', 'cuda-binding', 'mediator', 'vm-client'];
    writeFileSync(
      join(project, 'bare.ts'),
      names.map((name, n) => `export * as p${n} from '@vgpu/${name}';\n`).join(''),
    );
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const flags = ['--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023', '--noEmit'];
    const { stdout } = await inProject('node', tsc, ...flags, '--types', '', 'bare.ts');
    // What the types of zod lack is theirs.
    expect(stdout.split('\n').filter((line) => /vgpu|bare/.test(line))).toEqual([]);
  });

  it('give libraries to import, with types', async () => {
    writeFileSync(join(project, 'program.ts'), PROGRAM);
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    for (const [module, moduleResolution] of [
      ['esnext', 'bundler'],
      ['nodenext', 'nodenext'],
    ]) {
      const compilerOptions = {
        ...{ module, moduleResolution },
        ...{ strict: true, target: 'es2023', lib: ['es2023', 'dom'], types: [] },
      };
      const config = JSON.stringify({ compilerOptions, files: ['program.ts'] });
      writeFileSync(join(project, 'tsconfig.json'), config);
      expect(await inProject('node', tsc)).toMatchObject({ stdout: '', status: 0 });
    }
    expect(await inProject('node', 'program.js')).toEqual({
      status: 0,
      stdout: `["high",{"sum":{"0":300}},"A:2:1:1:2\\n",3,null,"function"]\n`,
      stderr: '',
    });
  }, 300_000);

  it('give libraries to require', async () => {
    const names = ['queue', 'protocol', 'linux', 'cuda-binding', 'mediator', 'vm-client'];
    const program = names
      .map((name) => `Object.keys(require('@vgpu/${name}')).length`)
      .join(' && ');
    writeFileSync(join(project, 'program.cjs'), `console.log(${program} > 0)`);
    expect(await inProject('node', 'program.cjs')).toEqual({
      status: 0,
      stdout: 'true\n',
      stderr: '',
    });
  });
});
