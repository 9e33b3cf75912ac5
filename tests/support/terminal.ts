import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describeIf } from './describe-if.js';
import { environment, until, type TestRoot } from './processes.js';

const HELPER = resolve(import.meta.dirname, 'terminal.py');

/** Like `describe`, for tests with terminals; visibly skipped where there is no Python. */
export function describeOnTerminals(name: string, body: () => void): void {
  const isPossible = spawnSync('python3', ['--version']).status === 0;
  describeIf(isPossible, 'skipped: it needs python3 (apt-get install python3)', name, body);
}

/** A program on a terminal of its own, which is read only if told to. */
export class OnTerminal {
  /** Its process's number; 0 until it is known. */
  pid = 0;
  /** Negative: the number of the signal that has ended it. Undefined while it runs. */
  status: number | undefined;
  readonly #file: string;
  readonly #helper: ChildProcess;

  constructor(root: TestRoot, ...command: string[]) {
    this.#file = join(root.base, 'terminal');
    this.#helper = spawn('python3', [HELPER, this.#file, ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...environment, ...root.launch.env },
    });
    root.own(this.#helper);
    if (this.#helper.stdout === null) throw new Error('stdout is a pipe');
    createInterface({ input: this.#helper.stdout }).on('line', (line) => {
      if (this.pid === 0) this.pid = Number(line);
      else this.status = Number(line);
    });
  }

  /** What was read so far. */
  get text(): string {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : '';
  }

  tell(command: 'read' | 'stop' | 'start' | 'close'): void {
    this.#helper.stdin?.write(`${command}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Waits for its end. */
  async ended(): Promise<number> {
    await until(
      () => this.status !== undefined,
      () => `the end of the program on the terminal, which has shown ${JSON.stringify(this.text)}`,
    );
    return this.status ?? 0;
  }
}
