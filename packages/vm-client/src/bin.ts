/** The only file that knows of the process: arguments, environment, signals, standard streams, exit status. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { ExitCode } from '@vgpu/protocol';
import { OutputQueue } from './cli/output-queue.js';
import { run } from './cli/run.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A thread that waits for a share which hangs, or for a terminal that nobody reads, can't be ended, and
 * exit(3) would join it: when all is said, the process has this long to end by itself.
 */
const END_MS = 2000;

/** How long a signal lets what is printed be written, in milliseconds. */
const WRITE_MS = 500;

/** What waits to be shown on a terminal that takes nothing, in bytes, before the progress is not drawn. */
const MAX_WAITING_BYTES = 2 ** 16;

/** The status of what SIGPIPE ends. Node ignores that signal. */
const BROKEN_PIPE = 128 + 13;

const STDOUT = 1;
const STDERR = 2;

const output = new OutputQueue();
let outputError: NodeJS.ErrnoException | undefined;
const withdrawal = new AbortController();
let received: NodeJS.Signals | undefined;

/** The second signal finds no listener and so ends the process at once. */
function withdraw(signal: NodeJS.Signals): void {
  received = signal;
  for (const name of SIGNALS) process.removeAllListeners(name);
  withdrawal.abort(new Error(`received ${signal}`));
}

function print(line: string): void {
  output.write(STDOUT, `${line}\n`, (error) => {
    outputError ??= error;
  });
}

function report(line: string): void {
  output.write(STDERR, `${line}\n`);
}

/** Settles once all is written; after a signal it is not waited for. */
async function written(): Promise<void> {
  const cut = new Promise((resolve) => {
    const lose = () => {
      setTimeout(resolve, WRITE_MS);
    };
    if (withdrawal.signal.aborted) lose();
    else withdrawal.signal.addEventListener('abort', lose);
  });
  await Promise.race([output.flushed(), cut]);
}

/** What was not printed was not done. */
async function statusWithOutput(status: ExitCode): Promise<number> {
  await written();
  if (outputError === undefined) return status;
  if (outputError.code === 'EPIPE') return BROKEN_PIPE;
  report(`vgpu-vm-client: cannot write the output: ${outputError.message}`);
  await written();
  return ExitCode.CANT_CREATE;
}

/**
 * Does what the command line says, and sets the exit status.
 *
 * @param heard Signals that came before this file was loaded.
 */
export async function main(heard: { readonly SIGHUP?: true }): Promise<void> {
  process.removeAllListeners('SIGHUP');
  if (heard.SIGHUP === true) process.kill(process.pid, 'SIGHUP');
  for (const name of SIGNALS) process.on(name, withdraw);
  const status = await run({
    argv: process.argv.slice(2),
    env: process.env,
    signal: withdrawal.signal,
    print,
    report,
    stderr: {
      isTTY: isatty(STDERR),
      get columns() {
        return process.stderr.columns;
      },
      write: (text) => {
        if (output.waitingBytes < MAX_WAITING_BYTES) output.write(STDERR, text);
        return true;
      },
    },
  });
  process.exitCode = await statusWithOutput(status);
  if (received !== undefined) process.kill(process.pid, received);
  await sleep(END_MS, undefined, { ref: false });
  process.kill(process.pid, 'SIGKILL');
}
