import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long {@link until} waits at most: a limit for what hangs, on machines that may be busy, and less
 * than jest's own, so that the message says what it waited for.
 */
const PATIENCE_MS = 5 * 60_000;

const repository = resolve(import.meta.dirname, '../..');
export const MEDIATOR = join(repository, 'packages/mediator/bin/vgpu-mediator.js');
export const CLIENT = join(repository, 'packages/vm-client/bin/vgpu-vm-client.js');

/** No setting of the user who runs the tests, or of the npm that started them, has an effect. */
export const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:VGPU|npm)_/i.test(name)),
);

/** Paths of what is run. */
export interface Programs {
  readonly node: string;
  readonly mediator: string;
  readonly client: string;
}

const BUILT: Programs = { node: process.execPath, mediator: MEDIATOR, client: CLIENT };

/** A line of the mediator's JSON log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string };

/** How a mediator is started, where that is special. */
export interface Launch {
  /** As this user, whose group has the same number. */
  readonly uid?: number;
  /** Those of the checkout if not given. */
  readonly programs?: Programs;
  /** Variables besides those of the environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** A command, with arguments, that becomes the command that follows it. */
  readonly through?: readonly string[];
}

/** A root directory of its own, on a tmpfs where there is one, with directories for VMs. */
export class TestRoot {
  readonly base: string;
  readonly path: string;
  /** For the mediators that are started from now on. */
  launch: Launch = {};
  readonly #children: ChildProcess[] = [];

  /** @param parent Where it is; on a tmpfs where there is one if not given. */
  constructor(
    vms: readonly number[] = [1],
    parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir(),
  ) {
    this.base = mkdtempSync(join(parent, 'vgpu-test-'));
    this.path = join(this.base, 'vgpu');
    mkdirSync(this.path);
    for (const vm of vms) mkdirSync(this.in(vm));
  }

  in(vm: number, ...names: string[]): string {
    return join(this.path, `vm${vm}`, ...names);
  }

  /** Hands a request over as a careful client does: written elsewhere, then renamed. */
  drop(vm: number, id: string, line: string): void {
    writeFileSync(this.in(vm, `.request-${id}.tmp`), line);
    renameSync(this.in(vm, `.request-${id}.tmp`), this.in(vm, `request-${id}.txt`));
  }

  /** A process that is not to outlive the directory, however a test ends. */
  own(child: ChildProcess): void {
    this.#children.push(child);
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    try {
      // A process that was killed may have a last file made.
      rmSync(this.base, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    } catch (error) {
      // A test that has failed is to tell of its own failure only.
      process.stderr.write(`${this.base} is left: ${String(error)}\n`);
    }
  }
}

/** A mediator process. */
export class MediatorProcess {
  readonly log: LogLine[] = [];
  /** Everything that was written to stderr and is no JSON. */
  readonly complaints: string[] = [];
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals>;

  constructor(root: TestRoot, ...flags: string[]) {
    const usual = { '--root': root.path, '--backend': 'cpu', '--log-format': 'json' };
    const fixed = Object.entries(usual).flatMap(([option, value]) =>
      flags.includes(option) ? [] : [option, value],
    );
    const { uid, env, through = [], programs = BUILT } = root.launch;
    const program = [programs.node, programs.mediator];
    const [command = '', ...args] = [...through, ...program, ...fixed, ...flags];
    this.child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...environment, ...env },
      ...(uid !== undefined && { uid, gid: uid }),
    });
    root.own(this.child);
    if (this.child.stderr === null) throw new Error('stderr is a pipe');
    const lines = createInterface({ input: this.child.stderr });
    lines.on('line', (line) => {
      const entry = parse(line);
      if (entry !== undefined) this.log.push(entry);
      else this.complaints.push(line);
    });
    this.exited = once(this.child, 'close').then(
      ([status, signal]) => (status ?? signal) as number | NodeJS.Signals,
    );
  }

  /** Starts a mediator and waits until it serves. */
  static async serving(root: TestRoot, ...flags: string[]): Promise<MediatorProcess> {
    const mediator = new MediatorProcess(root, ...flags);
    await mediator.ready();
    return mediator;
  }

  /** Waits until it serves, and says what is known where it does not. */
  async ready(): Promise<void> {
    const { child } = this;
    const ended = () => child.exitCode ?? child.signalCode;
    const state = () =>
      JSON.stringify({ ended: ended(), complaints: this.complaints, log: this.log });
    await until(
      () => this.logged('ready').length > 0 || ended() !== null,
      () => `the mediator to be ready: ${state()}`,
    );
    if (ended() !== null) throw new Error(`the mediator ended: ${state()}`);
  }

  /** Its process's number; 0 if it could not be started. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  logged(message: string): LogLine[] {
    return this.log.filter((line) => line.message === message);
  }

  /** The requests that are finished, once there are this many: a response is in place before its line is in the log. */
  async finished(count: number): Promise<LogLine[]> {
    const lines = () => this.logged('request finished');
    await until(
      () => lines().length >= count,
      () => `${count} requests to be finished: ${JSON.stringify(this.log)}`,
    );
    return lines();
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<number | NodeJS.Signals> {
    this.signal('SIGTERM');
    return this.exited;
  }
}

export interface Finished {
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `vgpu-vm-client` to its end; `vm` 0 leaves out --vm-id. */
export function runClient(root: TestRoot, vm: number, ...args: string[]): Promise<Finished> {
  const identity = vm === 0 ? [] : ['--vm-id', String(vm)];
  return run(process.execPath, [CLIENT, '--root', root.path, ...identity, ...args]);
}

/** Runs `vgpu-mediator` to its end, with nothing but these arguments. */
export function runMediator(...args: string[]): Promise<Finished> {
  return run(process.execPath, [MEDIATOR, ...args]);
}

export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
    ...options,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status: status ?? signal ?? 'SIGKILL', stdout, stderr };
}

/** Waits for a condition; fails after five minutes, saying for what it waited. */
export async function until(
  condition: () => boolean,
  what: string | (() => string),
): Promise<void> {
  let waitedMs = 0;
  while (!condition()) {
    if (waitedMs > PATIENCE_MS) {
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    }
    const start = performance.now();
    await sleep(5);
    // A machine that stands still, as a virtual one may, has not given anybody the time to do it.
    waitedMs += Math.min(performance.now() - start, 1000);
  }
}

/** undefined if it is no JSON: a mediator that is killed may leave a part of a line. */
function parse(line: string): LogLine | undefined {
  try {
    return line.startsWith('{') ? (JSON.parse(line) as LogLine) : undefined;
  } catch {
    return undefined;
  }
}
