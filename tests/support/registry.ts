import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';
import { environment, run, type Finished } from './processes.js';

const repository = resolve(import.meta.dirname, '../..');
const VERDACCIO = join(repository, 'node_modules/verdaccio/bin/verdaccio');

/** {@link LocalRegistry.start} asks this many times, a tenth of a second apart, whether it serves. */
const ATTEMPTS = 600;

/** A throw-away npm registry on loopback: ours are published to it, the others come from npmjs. */
export class LocalRegistry {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** @param folder Where it keeps what it has. */
  static async start(folder: string): Promise<LocalRegistry> {
    mkdirSync(folder, { recursive: true });
    const config = {
      storage: join(folder, 'storage'),
      uplinks: { npmjs: { url: 'https://registry.npmjs.org/', timeout: '60s', max_fails: 20 } },
      packages: {
        '@vgpu/*': { access: '$all', publish: '$all' },
        '**': { access: '$all', proxy: 'npmjs' },
      },
      middlewares: { audit: { enabled: false } },
      web: { enable: false },
      max_body_size: '50mb',
      log: { type: 'stdout', level: 'warn' },
    };
    // JSON is YAML.
    const path = join(folder, 'config.yaml');
    writeFileSync(path, JSON.stringify(config));
    const url = `http://127.0.0.1:${await freePort()}/`;
    const args = [VERDACCIO, '--config', path, '--listen', url];
    const child = spawn(process.execPath, args, { stdio: 'ignore', env: environment });
    const registry = new LocalRegistry(url, child);
    for (let attempt = 0; attempt < ATTEMPTS && child.exitCode === null; attempt += 1) {
      const answer = await fetch(`${url}-/ping`).catch(() => undefined);
      if (answer?.ok === true) return registry;
      await sleep(100);
    }
    await registry.stop();
    throw new Error('verdaccio does not serve');
  }

  /** A file for npm that knows this registry only, and lets one publish to it. */
  writeSettings(path: string): void {
    const token = `${this.url.replace(/^http:/, '')}:_authToken=nobody-checks-it`;
    writeFileSync(path, `registry=${this.url}\n${token}\n`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}

/** A copy of the workspace with what `tsc -b` has built, in which changesets may do its work. */
export class WorkspaceCopy {
  readonly path: string;
  readonly #packageManager: string;

  constructor(path: string, packageManager: string) {
    this.path = path;
    this.#packageManager = packageManager;
    const files = ['.changeset', 'deploy', 'packages', 'scripts', 'LICENSE', 'package.json'];
    for (const file of [...files, 'pnpm-lock.yaml', 'pnpm-workspace.yaml', 'tsconfig.base.json']) {
      // Links to siblings stay relative, and so lead to the copies.
      const options = { recursive: true, verbatimSymlinks: true } as const;
      cpSync(join(repository, file), join(path, file), options);
    }
    symlinkSync(join(repository, 'node_modules'), join(path, 'node_modules'));
  }

  /** Runs `changeset` as `pnpm changeset` does. */
  changeset(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> {
    const command = ['--yes', this.#packageManager, 'exec', 'changeset', ...args];
    return run('npx', command, { cwd: this.path, env });
  }
}
