/** The programs as any user can run them: the checkout, or Node, may lie where only its owner may look. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { bundle } from '../../scripts/bundle.mjs';
import { describeIf } from './describe-if.js';
import { run, type Finished, type Programs } from './processes.js';

const packages = resolve(import.meta.dirname, '../../packages');
/** What of a package its programs read. */
const READ = ['package.json', 'prebuilds', 'kernels', 'page/dist', 'deploy', 'udev'];

/** A user whose group has the same number, and the other groups that it is in: none if not given. */
type User = number | { readonly uid: number; readonly groups: readonly number[] };

/** A user who owns nothing. */
export const NOBODY = 65534;

const isAble = spawnSync('setpriv', asUser(NOBODY, ['test', '-x', tmpdir()])).status === 0;
const HINT =
  'skipped: it starts programs as other users, who must be able to enter the directory for ' +
  'temporary files; run it as root';

/**
 * Like `describe`, for tests that start programs as other users; visibly skipped where that is not allowed.
 *
 * @param body Is given what gives the programs, from within the tests.
 */
export function describeAsOthers(name: string, body: (programs: () => PublicPrograms) => void) {
  describeIf(isAble, HINT, name, () => {
    let programs: PublicPrograms;
    beforeAll(async () => {
      programs = await PublicPrograms.make();
    });
    afterAll(() => {
      programs.remove();
    });
    body(() => programs);
  });
}

/** Copies of the programs, bundled as users get them, and of Node where that is needed. */
export class PublicPrograms implements Programs {
  readonly node: string;
  readonly mediator: string;
  readonly client: string;
  readonly #base: string;

  private constructor(base: string) {
    this.#base = base;
    const copy = join(base, 'node');
    if (!isExecutable(process.execPath)) cpSync(process.execPath, copy);
    this.node = existsSync(copy) ? copy : process.execPath;
    const scope = join(base, 'node_modules/@vgpu');
    this.mediator = join(scope, 'mediator/bundle/vgpu-mediator.cjs');
    this.client = join(scope, 'vm-client/bundle/vgpu-vm-client.cjs');
  }

  static async make(): Promise<PublicPrograms> {
    const base = mkdtempSync(join(tmpdir(), 'vgpu-programs-'));
    for (const name of readdirSync(packages)) {
      const [from, to] = [join(packages, name), join(base, 'node_modules/@vgpu', name)];
      for (const entry of READ.filter((each) => existsSync(join(from, each)))) {
        cpSync(join(from, entry), join(to, entry), { recursive: true });
      }
      mkdirSync(join(to, 'bundle'));
      await bundle(from, to);
    }
    const programs = new PublicPrograms(base);
    // Independent of the umask of this process and of the user who cloned the repository.
    spawnSync('chmod', ['-R', 'a+rX', base]);
    return programs;
  }

  /** Runs a program to its end as another user. */
  runAs(user: User, program: 'mediator' | 'client', ...args: string[]): Promise<Finished> {
    return run('setpriv', asUser(user, [this.node, this[program], ...args]));
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}

/** Arguments of setpriv(1) that start a command as another user. */
export function asUser(user: User, command: readonly string[]): string[] {
  const { uid, groups } = typeof user === 'number' ? { uid: user, groups: [] } : user;
  const others = groups.length > 0 ? `--groups=${groups.join()}` : '--clear-groups';
  return ['--reuid', String(uid), '--regid', String(uid), others, ...command];
}

function isExecutable(path: string): boolean {
  return spawnSync('setpriv', asUser(NOBODY, [path, '--version'])).status === 0;
}
