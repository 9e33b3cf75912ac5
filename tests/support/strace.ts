import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { requestName, PLAIN_SLOT } from '@vgpu/protocol';
import { describeIf } from './describe-if.js';
import { until, type MediatorProcess, type TestRoot } from './processes.js';

const isTracing = spawnSync('strace', ['-o', '/dev/null', '-P', '/', 'true']).status === 0;

/** Like `describe`, for tests that make system calls fail; visibly skipped without strace. */
export function describeWithStrace(name: string, body: () => void): void {
  const hint = 'skipped: it needs strace, and the right to trace (apt-get install strace)';
  describeIf(isTracing, hint, name, body);
}

/** Calls that name a file, and calls on what is open. */
const ALL = '%file,%desc';

/** Makes system calls of a running process fail, for as long as it is attached. */
export class FailingCalls {
  readonly #strace: ChildProcess;
  readonly #ended: Promise<unknown>;
  #stderr = '';

  private constructor(pid: number, error: string, paths: readonly string[], names: string) {
    const watched = paths.flatMap((path) => ['-P', path]);
    const fault = ['-e', `trace=${names}`, '-e', `inject=${names}:error=${error}`];
    const args = ['-f', '-o', '/dev/null', ...fault, ...watched, '-p', String(pid)];
    this.#strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#ended = once(this.#strace, 'exit');
    this.#strace.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
  }

  /** Calls on the directory of a VM, by its name and by what the mediator holds, and in it. */
  static async in(mediator: MediatorProcess, root: TestRoot, vm: number, error: string) {
    const pid = mediator.pid;
    const fds = `/proc/${pid}/fd`;
    const held = readdirSync(fds).filter((fd) => linkOf(`${fds}/${fd}`) === root.in(vm));
    // strace knows a path by the very text of it, so that only names known before can be made to fail.
    const names = ['', `/${requestName(PLAIN_SLOT)}`, '/request-a.txt', '/request-b.txt'];
    const inside = held.flatMap((fd) => names.map((name) => `${fds}/${fd}${name}`));
    return FailingCalls.#attach(pid, error, [root.in(vm), ...inside]);
  }

  /**
   * Calls that name a path, and those on what is open there.
   *
   * @param error Its name, and what strace's `inject=` knows besides.
   * @param names The calls' names; all of them if not given.
   */
  static on(mediator: MediatorProcess, path: string, error: string, names?: string) {
    return FailingCalls.#attach(mediator.pid, error, [path], names);
  }

  static async #attach(pid: number, error: string, paths: readonly string[], names = ALL) {
    const calls = new FailingCalls(pid, error, paths, names);
    await until(() => calls.#stderr.includes('attached'), 'strace to attach');
    return calls;
  }

  /** Lets the calls succeed again. */
  async end(): Promise<void> {
    this.#strace.kill('SIGINT');
    await this.#ended;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
