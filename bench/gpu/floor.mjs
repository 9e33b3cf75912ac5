import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('floor.c', import.meta.url));

/** The C program to compare with: floor.c, which lists its commands. */
export class Floor {
  /** The CUDA version of the driver, such as `13.0`. */
  cudaVersion = '';
  /** The driver's name of the device. */
  deviceName = '';
  #directory = mkdtempSync(join(tmpdir(), 'vgpu-floor-'));
  /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */
  #child;
  /** Why the program ended. @type {Error | undefined} */
  #end;
  /** @type {{ resolve: (line: string) => void, reject: (error: Error) => void } | undefined} */
  #waiting;

  /** Compiles the program and opens the device. */
  static async start(/** @type {number} */ index) {
    const floor = new Floor(index);
    try {
      const [word, version, ...name] = (await floor.#line()).split(' ');
      if (word !== 'ready') throw new Error(`floor: expected "ready", received ${word}`);
      floor.cudaVersion = `${Math.floor(Number(version) / 1000)}.${(Number(version) % 1000) / 10}`;
      floor.deviceName = name.join(' ');
      return floor;
    } catch (error) {
      await floor.quit();
      throw error;
    }
  }

  constructor(/** @type {number} */ index) {
    const program = join(this.#directory, 'floor');
    const compiler = process.env['CC'] ?? 'cc';
    try {
      execFileSync(compiler, ['-O2', '-o', program, SOURCE, '-ldl'], { stdio: 'inherit' });
    } catch (cause) {
      rmSync(this.#directory, { recursive: true });
      throw new Error(`cannot compile floor.c with ${compiler}; CC names another one`, { cause });
    }
    this.#child = spawn(program, [String(index)]);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#waiting?.resolve(line);
    });
    let errors = '';
    this.#child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      errors += text;
    });
    this.#child.stdin.on('error', () => undefined); // 'close' has the reason.
    this.#child.on('close', (status, signal) => {
      this.#end = new Error(errors.trim() || `floor: ended with ${status ?? signal}`);
      this.#waiting?.reject(this.#end);
    });
  }

  /** @param {string} command one that answers with nanoseconds @returns {Promise<number[]>} */
  async ask(command) {
    this.#child.stdin.write(`${command}\n`);
    return (await this.#line()).trim().split(' ').map(Number);
  }

  /** Ends the program and removes it. */
  async quit() {
    if (this.#end === undefined) {
      const closed = once(this.#child, 'close');
      this.#child.stdin.end('quit\n');
      await closed;
    }
    rmSync(this.#directory, { recursive: true });
  }

  /** The next line that the program prints. */
  #line() {
    /** @type {Promise<string>} */
    const line = new Promise((resolve, reject) => {
      if (this.#end) reject(this.#end);
      else this.#waiting = { resolve, reject };
    });
    return line;
  }
}
