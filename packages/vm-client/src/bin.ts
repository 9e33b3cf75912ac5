/**
 * The only file that uses the process: arguments, environment, signals, standard streams, exit
 * status.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { ExitCode } from '@vgpu/protocol';
import { OutputQueue } from './cli/output-queue.js';
import { run } from './cli/run.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * How long the process may take to end by itself after its output is written, in milliseconds. A
 * thread that waits for a hanging share or a stopped terminal cannot be ended, and exit(3) would
 * join it.
 */
const END_MS = 2000;

/** How long the process writes its output after a signal, in milliseconds. */
const WRITE_MS = 500;

/** The progress bar is not drawn while a stopped terminal has more unwritten bytes than this. */
const MAX_WAITING_BYTES = 2 ** 16;

/** The status of a process that SIGPIPE ends. Node ignores that signal. */
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

/** Settles once all output is written; after a signal, within a limit. */
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

/** A command whose output cannot be written has failed. */
async function statusWithOutput(status: ExitCode): Promise<number> {
  await written();
  if (outputError === undefined) return status;
  if (outputError.code === 'EPIPE') return BROKEN_PIPE;
  report(`vgpu-vm-client: cannot write the output: ${outputError.message}`);
  await written();
  return ExitCode.CANT_CREATE;
}

/**
 * Runs the command line, and sets the exit status.
 *
 * @param heard Signals that arrived before this file was loaded.
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
