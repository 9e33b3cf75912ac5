/** Traces a mediator's system calls with strace(1), which can also kill it, or fail a call, at one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeIf } from './describe-if.js';
import { MEDIATOR, run, until, type Finished, type TestRoot } from './processes.js';

const HOW_TO_ENABLE =
  'skipped: it needs strace and taskset, and the right to trace a process ' +
  '(apt-get install strace util-linux; in a container, --cap-add SYS_PTRACE)';

/**
 * Seconds after which a mediator is killed. One that was hit at a wrong call, by which Node wakes
 * itself, hangs; and so may one that has a defect.
 */
const LIMIT_S = '60';

/** A tracer and its process wait for each other all the time: on one CPU that takes half as long. */
const CPUS = cpusAllowed();

const canTrace =
  spawnSync('taskset', ['-c', CPUS[0] ?? '0', 'strace', '-qq', '-o', '/dev/null', 'true'])
    .status === 0;

/** Like `describe`, for tests that need strace. */
export function describeTraced(name: string, body: () => void): void {
  describeIf(canTrace, HOW_TO_ENABLE, name, body);
}

/** A system call of the mediator's main thread: other threads only remove what it has renamed. */
export interface SystemCall {
  readonly name: string;
  /** Among all calls of this name: 1 is the first one. How a process starts can shift it a little. */
  readonly number: number;
  /** Among the calls of this name that concern the root: the same in every run. 0 for all others. */
  readonly order: number;
  /** Name and paths, without what differs from run to run. */
  readonly what: string;
  /** As strace has shown it. */
  readonly line: string;
}

/** `KILL` before the call is done, or the error that the call ends with, undone. */
export type Blow = 'KILL' | 'EIO' | 'ESTALE' | 'ENOSPC' | 'EDQUOT' | 'EMFILE';

export interface Struck extends Finished {
  /** Those of the name that was chosen. */
  readonly calls: readonly SystemCall[];
  /** The call that was hit; undefined if the process has ended before. */
  readonly hit: SystemCall | undefined;
}

/** Runs a mediator, and tells its calls that concern the root, the state directory, or what is in them. */
export async function record(root: TestRoot, flags: readonly string[], line = 0) {
  const log = join(root.base, 'calls');
  // What has a path or a descriptor, whatever the calls are named on this architecture.
  const finished = await trace(line, ['-o', log, '-e', 'trace=%file,%desc'], root, flags);
  return { ...finished, calls: ofRoot(parse(log, root)) };
}

/** More than flock(1) makes of any. */
const CALLS_OF_CHILD = 50;

/** Runs a mediator that is hit at a call; once it lacks descriptors, it lacks them to its end. */
export async function strike(
  root: TestRoot,
  flags: readonly string[],
  { name, number }: Pick<SystemCall, 'name' | 'number'>,
  blow: Blow,
  line: number,
): Promise<Struck> {
  const log = join(root.base, 'calls');
  const when = blow === 'EMFILE' ? `${number}+` : String(number);
  // With a filter in the kernel only these calls stop the process, but then no signal reaches it, and
  // its children are hit, too, at their call of the same number.
  const hitsChildren = number <= CALLS_OF_CHILD && /^(?:newfstatat|openat|read|close)$/.test(name);
  const filter = blow === 'KILL' || hitsChildren ? [] : ['-f', '--seccomp-bpf'];
  const args = [...filter, '-o', log, ...injection(name, blow, when)];
  const finished = await trace(line, args, root, flags);
  return { ...finished, calls: parse(log, root), hit: hitIn(log, root) };
}

/** A tracer of a mediator that runs already; calls count from here on. */
export class Tracer {
  readonly #log: string;
  readonly #child;
  readonly #root: TestRoot;

  private constructor(root: TestRoot, pid: number, args: readonly string[]) {
    this.#root = root;
    this.#log = join(root.base, 'calls');
    this.#child = spawn('strace', ['-y', '-o', this.#log, ...args, '-p', String(pid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    root.own(this.#child);
  }

  static recorder(root: TestRoot, pid: number): Promise<Tracer> {
    return Tracer.#attached(new Tracer(root, pid, ['-e', 'trace=%file,%desc']));
  }

  static striker(
    root: TestRoot,
    pid: number,
    { name, number }: SystemCall,
    error: Blow,
    when = String(number),
  ): Promise<Tracer> {
    return Tracer.#attached(new Tracer(root, pid, injection(name, error, when)));
  }

  static async #attached(tracer: Tracer): Promise<Tracer> {
    let said = '';
    tracer.#child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await until(
      () => said.includes('attached'),
      () => `strace to attach; it says: ${said}`,
    );
    return tracer;
  }

  /** Lets the mediator go. */
  async detach(): Promise<{ calls: SystemCall[]; hit: SystemCall | undefined }> {
    this.#child.kill('SIGINT');
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await once(this.#child, 'close');
    return { calls: ofRoot(parse(this.#log, this.#root)), hit: hitIn(this.#log, this.#root) };
  }
}

function injection(name: string, blow: Blow, when: string): string[] {
  const effect = blow === 'KILL' ? 'signal=KILL' : `error=${blow}`;
  return ['-e', `trace=${name}`, '-e', `inject=${name}:${effect}:when=${when}`];
}

function trace(line: number, args: readonly string[], root: TestRoot, flags: readonly string[]) {
  const cpu = CPUS[line % CPUS.length] ?? '0';
  const mediator = [process.execPath, MEDIATOR, '--root', root.path, ...flags];
  const strace = ['strace', '-qq', '-y', ...args, ...mediator];
  return run('timeout', ['-s', 'KILL', LIMIT_S, 'taskset', '-c', cpu, ...strace]);
}

/** The main thread's calls, in their order. */
function parse(log: string, root: TestRoot): SystemCall[] {
  const counts = new Map<string, { number: number; order: number }>();
  const lines = readFileSync(log, 'latin1').split('\n');
  // With -f each line begins with the number of a thread; the main thread's come first.
  const prefix = /^\d+ +/.exec(lines[0] ?? '')?.[0] ?? '';
  const own = lines
    .filter((text) => text.startsWith(prefix))
    .map((text) => text.slice(prefix.length));
  // What another thread does meanwhile cuts a call's line in two.
  const whole = own.join('\n').replaceAll(/ <unfinished \.\.\.>\n<\.\.\. \w+ resumed>/g, '');
  return whole.split('\n').flatMap((line) => {
    const name = /^\w+(?=\()/.exec(line)?.[0];
    if (name === undefined) return [];
    const count = counts.get(name) ?? { number: 0, order: 0 };
    counts.set(name, count);
    const isOfRoot = concerns(root, line);
    count.number += 1;
    count.order += Number(isOfRoot);
    const what = [name, ...pathsIn(line)].join(' ');
    return [{ name, what, line, number: count.number, order: isOfRoot ? count.order : 0 }];
  });
}

/** Whether a call's paths are in the root's parent directory, or in a VM directory. */
function concerns(root: TestRoot, line: string): boolean {
  return !line.startsWith('execve') && (line.includes(root.base) || /\/proc\/\d+\/fd\//.test(line));
}

function ofRoot(calls: readonly SystemCall[]): SystemCall[] {
  return calls.filter(({ order }) => order > 0);
}

function hitIn(log: string, root: TestRoot): SystemCall | undefined {
  const text = readFileSync(log, 'latin1');
  const calls = parse(log, root);
  if (/^\+\+\+ killed by SIGKILL/m.test(text)) return calls.at(-1);
  // Every thread's calls are counted for itself: another one may have been hit as well.
  const hits = calls.filter(({ line }) => line.endsWith('(INJECTED)'));
  return hits.length === text.split('(INJECTED)').length - 1 ? hits[0] : undefined;
}

/** Arguments only, since a call that is hit has no result. */
function pathsIn(line: string): string[] {
  const [args = ''] = line.split(/\) += /, 1);
  return (args.match(/"\/[^"]*"|<\/[^>]*>/g) ?? []).map((path) =>
    path
      .slice(1, -1)
      .replace(/vgpu-test-\w+/, '')
      .replace(/(?<=\.vgpu-\w+-).*/, '*')
      .replace(/\d+/g, '#'),
  );
}

function cpusAllowed(): string[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  });
}
