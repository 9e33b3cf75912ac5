import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeRegisterBlock } from '@vgpu/protocol';
import { FakePci } from '../packages/vm-client/test/fake-pci.js';
import { environment, run, until, type Finished } from './support/processes.js';
import { LocalRegistry, WorkspaceCopy } from './support/registry.js';

const repository = resolve(import.meta.dirname, '..');
const { packageManager, devDependencies } = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
) as { packageManager: string; devDependencies: Record<string, string> };

const NAMES = readdirSync(join(repository, 'packages'));

/** Each Node that the packages run on, with the npm that came with it. */
const RUNTIMES = [
  ['20.19', '10.8'],
  ['22', '10.9'],
  ['24', '11'],
] as const;

const PROGRAM = `
import { PriorityQueue, type Handle } from '@vgpu/queue';

const queue = new PriorityQueue<string>();
const low: Handle = queue.push('low', 0);
queue.push('high', 2);
const first: string | undefined = queue.pop();
console.log(first, queue.delete(low), queue.size);
`;

const IDENTITY = { pool: 'B', priority: 2, vm: 7 } as const;

describe('the packages, published to a registry', () => {
  const base = mkdtempSync(join(tmpdir(), 'vgpu-registry-'));
  const workspace = new WorkspaceCopy(join(base, 'workspace'), packageManager);
  let registry: LocalRegistry;

  /** Sizes and times, for people to read; no test compares them. */
  const notes: string[] = [];
  async function timed<T>(what: string, action: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await action();
    notes.push(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return result;
  }

  beforeAll(async () => {
    registry = await LocalRegistry.start(join(base, 'registry'));
    const env = { ...environment, NPM_CONFIG_USERCONFIG: join(base, 'npmrc') };
    const versioned = await workspace.changeset(env, 'version');
    expect(versioned).toMatchObject({ status: 0 });
    // Only now: what versions are made with comes from where all else comes from.
    registry.writeSettings(env.NPM_CONFIG_USERCONFIG);
    const published = await timed('publishing all packages', () =>
      workspace.changeset(env, 'publish', '--no-git-tag'),
    );
    expect(published).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await registry.stop();
    rmSync(base, { recursive: true, force: true });
    process.stdout.write(`${notes.join('\n')}\n`);
  });

  it.each(NAMES)(
    'have %s with a version, a changelog, and siblings of that version',
    async (name) => {
      const folder = join(workspace.path, 'packages', name);
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        version: string;
      };
      expect(version).not.toBe('0.0.0');
      expect(readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')).toContain(`## ${version}\n`);

      const answer = await fetch(`${registry.url}@vgpu%2f${name}`);
      const document = (await answer.json()) as {
        'dist-tags': Record<string, string>;
        versions: Record<
          string,
          { dependencies?: Record<string, string>; dist: { tarball: string } }
        >;
      };
      expect(document['dist-tags']).toEqual({ latest: version });
      const { dependencies = {}, dist } = document.versions[version] ?? {
        dist: { tarball: '' },
      };
      const siblings = Object.entries(dependencies).filter(([other]) => other.startsWith('@vgpu/'));
      for (const [other, range] of siblings) {
        const isExact = /cuda-binding|linux/.test(other);
        expect(range).toMatch(isExact ? /^\d+\.\d+\.\d+$/ : /^\^\d+\.\d+\.\d+$/);
      }
      const tarball = await fetch(dist.tarball);
      expect(tarball.status).toBe(200);
      const packed = (await tarball.arrayBuffer()).byteLength;
      notes.push(`@vgpu/${name}: ${packed} bytes packed`);
    },
  );

  describe.each(RUNTIMES)('and used with Node %s', (node, npm) => {
    const home = join(base, `home-${node}`);
    const project = join(base, `project-${node}`);
    const tools = join(base, `tools-${node}`);
    /** A PATH with Node, npm and a shell, but no compiler; an empty home; only that registry. */
    let env: NodeJS.ProcessEnv;
    const inProject = (command: string, ...args: string[]) =>
      run(join(tools, command), args, { cwd: project, env });

    beforeAll(async () => {
      const runtime = join(repository, '.cache/node', node);
      if (!existsSync(join(runtime, 'node_modules/.bin/node'))) {
        const install = ['install', '--prefix', runtime, `node@${node}`, `npm@${npm}`];
        expect(await run('npm', install)).toMatchObject({ status: 0 });
      }
      for (const folder of [home, tools, join(project, 'vgpu/vm1')]) {
        mkdirSync(folder, { recursive: true });
      }
      for (const command of ['node', 'npm', 'npx']) {
        symlinkSync(join(runtime, 'node_modules/.bin', command), join(tools, command));
      }
      // npm runs programs by the shell.
      symlinkSync('/bin/sh', join(tools, 'sh'));
      env = {
        PATH: tools,
        HOME: home,
        npm_config_registry: registry.url,
        npm_config_ignore_scripts: 'true',
        npm_config_update_notifier: 'false',
        // What a user types is `npx @vgpu/mediator`; these say where and as whom.
        VGPU_ROOT: join(project, 'vgpu'),
        VGPU_BACKEND: 'cpu',
        VGPU_VM_ID: '1',
      };
      const { stdout } = await inProject('node', '--version');
      expect(stdout).toMatch(new RegExp(`^v${node.replace('.', '\\.')}\\.`));
    });

    it('serve and ask by npx', async () => {
      const start = performance.now();
      const mediator = spawn(join(tools, 'npx'), ['@vgpu/mediator'], {
        cwd: project,
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
        // npx passes no signal on, so all of the group get it.
        detached: true,
      });
      const ended = once(mediator, 'close');
      let log = '';
      mediator.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
      let client: Finished;
      try {
        await until(
          () => log.includes('ready') || mediator.exitCode !== null,
          () => `the mediator to be ready: ${log}`,
        );
        notes.push(
          `npx @vgpu/mediator until ready, cold, Node ${node}: ` +
            `${((performance.now() - start) / 1000).toFixed(1)} s`,
        );
        client = await timed(`npx @vgpu/vm-client 100 200, cold, Node ${node}`, () =>
          inProject('npx', '@vgpu/vm-client', '100', '200'),
        );
      } finally {
        if (mediator.pid !== undefined) process.kill(-mediator.pid, 'SIGTERM');
        await ended;
      }
      expect(client).toMatchObject({ status: 0, stdout: '300\n' });
    });

    it.each([
      ['nodenext', 'nodenext', 'module'],
      ['nodenext', 'nodenext', 'commonjs'],
      ['esnext', 'bundler', 'module'],
    ])('compile %s/%s in a package of type %s', async (module, moduleResolution, type) => {
      writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type }));
      rmSync(join(project, 'node_modules'), { recursive: true, force: true });
      rmSync(join(project, 'package-lock.json'), { force: true });
      const installed = await timed(`npm i @vgpu/queue, Node ${node}`, () =>
        inProject('npm', 'i', '@vgpu/queue'),
      );
      expect(installed).toMatchObject({ status: 0 });
      const typescript = `typescript@${devDependencies['typescript'] ?? ''}`;
      const compiler = await inProject('npm', 'i', '-D', typescript);
      expect(compiler).toMatchObject({ status: 0 });

      writeFileSync(join(project, 'program.ts'), PROGRAM);
      const options = { module, moduleResolution, strict: true, target: 'es2023', types: [] };
      const compilerOptions = { ...options, lib: ['es2023', 'dom'] };
      const config = JSON.stringify({ compilerOptions, files: ['program.ts'] });
      writeFileSync(join(project, 'tsconfig.json'), config);
      expect(await inProject('npx', 'tsc')).toMatchObject({ status: 0, stdout: '' });
      expect(await inProject('node', 'program.js')).toMatchObject({
        status: 0,
        stdout: 'high true 0\n',
      });
    });

    it('install everything at once, with the addons', async () => {
      rmSync(join(home, '.npm'), { recursive: true, force: true });
      writeFileSync(join(project, 'package.json'), '{ "private": true }');
      const all = NAMES.map((name) => `@vgpu/${name}`);
      const installed = await timed(`npm i ${all.join(' ')}, cold cache, Node ${node}`, () =>
        inProject('npm', 'i', ...all),
      );
      expect(installed).toMatchObject({ status: 0 });
      const pci = new FakePci();
      try {
        // Registers are read by the addon only.
        const device = pci.addStub('0000:00:05.0', encodeRegisterBlock(IDENTITY));
        const program = `console.log(JSON.stringify(require('@vgpu/vm-client').readIdentity(process.argv[1])))`;
        const read = await inProject('node', '-e', program, device);
        expect(read).toMatchObject({ status: 0, stdout: `${JSON.stringify(IDENTITY)}\n` });
      } finally {
        pci.remove();
      }
    });
  });
});
