import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll } from '@jest/globals';

import { describeIf } from '../../../../tests/support/describe-if.js';
import { environment } from '../../../../tests/support/processes.js';

const packageRoot = resolve(import.meta.dirname, '../..');
const repository = resolve(packageRoot, '../..');
const sources = ['test/stub/stub_cuda.cc', 'kernels/kernel_interface.h'].map((name) =>
  join(packageRoot, name),
);
const compiler = process.env['CXX'] ?? 'g++';
const flags = ['-std=c++17', '-O2', '-Wall', '-Wextra', '-pthread'];

/** A child that takes longer is stopped with SIGKILL, and the test fails. */
const PATIENCE_MS = 5 * 60_000;

const HOW_TO_ENABLE = `skipped: it needs a C++ compiler (apt-get install g++, or set CXX)`;

const hasCompiler = spawnSync(compiler, ['--version']).status === 0;

/** The directory of a `libcuda.so.1` made from the stub of the driver, for LD_LIBRARY_PATH. */
export function compileStub(...moreFlags: readonly string[]): string {
  return compile('libcuda.so.1', sources.slice(0, 1), sources.slice(1), [
    '-shared',
    '-fPIC',
    '-Wl,-soname,libcuda.so.1',
    ...moreFlags,
  ]);
}

/**
 * The directory of a file that is compiled from C++. Compiled once for each content, into .cache; test
 * files that do so at the same time don't disturb each other.
 *
 * @param headers The other files that it depends on.
 */
export function compile(
  name: string,
  units: readonly string[],
  headers: readonly string[],
  moreFlags: readonly string[],
): string {
  const command = [...flags, ...moreFlags];
  const hash = createHash('sha256').update(JSON.stringify([compiler, name, command]));
  for (const source of [...units, ...headers]) hash.update(readFileSync(source));
  const cache = join(repository, '.cache/stub');
  const folder = join(cache, hash.digest('hex').slice(0, 16));
  if (existsSync(folder)) return folder;

  mkdirSync(cache, { recursive: true });
  const made = mkdtempSync(join(cache, 'new-'));
  const args = [...command, '-o', join(made, name), ...units, '-ldl'];
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (status !== 0 || stderr !== '')
    throw new Error(`${compiler} can't compile ${name}:\n${stderr}`);
  try {
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true });
    // Another process was faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Like `describe`, for tests that need the stub. */
export function describeOnStub(name: string, body: () => void): void {
  describeIf(hasCompiler, HOW_TO_ENABLE, name, body);
}

export interface ChildOptions {
  readonly args?: readonly string[];
  /** Settings of the stub, described there, without `VGPU_STUB_`. */
  readonly stub?: Readonly<Record<string, string | number>>;
  readonly nodeFlags?: readonly string[];
  /** The directory with libcuda.so.1. Default: the stub. */
  readonly library?: string;
  /** The copy of the package that the child uses. */
  readonly root?: string;
  /** Called with each line of output. The child and its processes are a process group. */
  readonly onLine?: (line: unknown, pid: number) => void;
}

/** The end of a child, and its output. */
export interface Ended<Line> {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly lines: readonly Line[];
  /** The reports of the stub on each context that was destroyed. */
  readonly contexts: readonly ContextReport[];
}

interface ContextReport {
  readonly streams: number;
  readonly registrations: number;
  readonly mostRegistrations: number;
  readonly allocations: number;
  readonly modules: number;
  readonly broken: number;
}

/** Runs `children/<name>.mjs` to its end, in a process with the stub as its driver. */
export async function runChild<Line = unknown>(
  name: string,
  options: ChildOptions = {},
): Promise<Ended<Line>> {
  const { args = [], stub = {}, nodeFlags = [], root = packageRoot } = options;
  const { library = compileStub(), onLine } = options;
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-child-'));
  const report = join(folder, 'report');
  const settings: Record<string, string | number> = {
    CONTROL: join(folder, 'control'),
    REPORT: report,
    ...stub,
  };
  const child = spawn(
    process.execPath,
    [...nodeFlags, join(root, 'test/children', `${name}.mjs`), ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, to be killed with all the processes that it has started.
      detached: true,
      env: {
        ...environment,
        LD_LIBRARY_PATH: library,
        ...Object.fromEntries(
          Object.entries(settings).map(([key, value]) => [`VGPU_STUB_${key}`, String(value)]),
        ),
        // Loaded from the beginning, since it provides the number of processors.
        ...('PROCESSORS' in stub ? { LD_PRELOAD: 'libcuda.so.1' } : {}),
      },
    },
  );
  let stdout = '';
  let stderr = '';
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${process.execPath}`);
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  if (onLine !== undefined) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      onLine(JSON.parse(line), pid);
    });
  }
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ending = new AbortController();
  const killing = sleep(PATIENCE_MS, undefined, { signal: ending.signal }).then(
    () => process.kill(-pid, 'SIGKILL'),
    () => false,
  );
  // `close` comes when the last process has closed stderr, so that none is left behind.
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  ending.abort();
  const wasKilled = await killing;
  const contexts = existsSync(report) ? readFileSync(report, 'utf8') : '';
  rmSync(folder, { recursive: true });
  if (wasKilled) {
    const what = [`${name}.mjs`, ...args].join(' ');
    throw new Error(`${what} did not end within ${PATIENCE_MS} ms:\n${stdout}\n${stderr}`);
  }
  return {
    status,
    signal,
    stderr,
    lines: parseLines<Line>(stdout),
    contexts: parseLines<ContextReport>(contexts),
  };
}

/** Runs a child before the tests of a `describe`, which check its end and its output. */
export function childOf<Line>(name: string, options: ChildOptions = {}): () => Ended<Line> {
  let ended: Ended<Line> | undefined;
  beforeAll(async () => {
    ended = await runChild<Line>(name, options);
  });
  afterAll(() => {
    ended = undefined;
  });
  return () => {
    if (ended === undefined) throw new Error('only in tests');
    return ended;
  };
}

function parseLines<Line>(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}
