/**
 * The only file that uses the process: arguments, environment, signals, standard streams, exit
 * status.
 */
import { setFlagsFromString } from 'node:v8';
import { realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { parseCommandLine } from './cli/command-line.js';
import type { CommandLine, Flags } from './cli/commands/command.js';
import { errorText, exitCodeOf, explained } from './cli/failure.js';
import { VERSION } from './constants.js';
import { OutputQueue } from './cli/output-queue.js';
import { escapeAround } from './cli/terminal-text.js';
import { addonIfAny } from '@vgpu/linux';
import { escapeControls, ExitCode } from '@vgpu/protocol';

/**
 * How long the process waits at its end for the reader of its output and for calls in a hanging
 * driver, in milliseconds.
 */
const EXIT_GRACE_MS = 1000;

/**
 * V8 collects garbage when its heap has grown by this many percent. By default the heap of a large
 * backlog grows to four times this size without being faster (docs/explanation/benchmarks.md).
 */
const HEAP_GROWTH = 40;

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** The status of a process that SIGPIPE ends. Node ignores that signal. */
const BROKEN_PIPE = 128 + 13;

const STDOUT = 1;
let stderr = 2;
let isServing = false;

const output = new OutputQueue();
/** Why the output of a command cannot be written. */
let outputError: NodeJS.ErrnoException | undefined;
/** Aborted by a signal, if a command uses it, and when the output cannot be written. */
const interruption = new AbortController();
/** The number of that signal. */
let interruptedBy = 0;

/** Signals that arrived before this file was loaded. */
export type HeardSignals = Readonly<Partial<Record<NodeJS.Signals, true>>>;

/** Runs the command line, and sets the exit status. */
export async function main(heard: HeardSignals): Promise<void> {
  process.on('uncaughtException', (error) => {
    void endAtOnce(failed(error));
  });
  const line = await parseCommandLine(process.argv.slice(2), () => VERSION).catch(failed);
  if (typeof line === 'number') return end(line, outputLimit());
  if (line.command === 'serve') {
    const status = await serve(line.flags, heard).then(() => ExitCode.OK, failed);
    return end(status, sleep(EXIT_GRACE_MS, undefined, { ref: false }));
  }
  // A command has nothing to reload: closing its terminal ends it.
  process.removeAllListeners('SIGHUP');
  if (heard.SIGHUP === true) process.kill(process.pid, 'SIGHUP');
  return end(await administer(line).catch(failed), outputLimit());
}

function failed(thrown: unknown): ExitCode {
  const error = explained(thrown);
  note(errorText(error, process.argv.includes('--json')));
  return exitCodeOf(error);
}

async function administer(line: Exclude<CommandLine, { command: 'serve' }>): Promise<ExitCode> {
  const isTerminal = isatty(STDOUT);
  const print = (text: string) => {
    write(`${escapeAround(text)}\n`);
  };
  if (line.command === 'print') {
    print(line.text);
    return ExitCode.OK;
  }
  return line.run({
    environment: process.env,
    program: () => [process.execPath, realpathSync(process.argv[1] ?? '')],
    isTerminal,
    terminalRows: () => (isTerminal ? process.stdout.rows : 0),
    print,
    write,
    written: () => output.flushed(),
    note: (text) => {
      note(`vgpu-mediator: ${text}`);
    },
    interruption: () => {
      for (const [name, number] of Object.entries(SIGNALS)) {
        process.once(name, () => {
          interruptedBy = number;
          interruption.abort();
        });
      }
      return interruption.signal;
    },
  });
}

async function serve(flags: Flags, heard: HeardSignals): Promise<void> {
  isServing = true;
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  // Commands do not need the modules for serving.
  const { ownDescription } = await import('./cli/own-description.js');
  const { Service } = await import('./cli/service.js');
  const { Terminal } = await import('./cli/terminal.js');
  stderr = ownDescription(stderr);
  // Otherwise Node writes them itself, in the event loop.
  process.removeAllListeners('warning').on('warning', ({ name, message }) => {
    note(`vgpu-mediator: ${name}: ${message}`);
  });
  const service = new Service(
    { flags, environment: process.env },
    {
      get waitingBytes() {
        return output.waitingBytes;
      },
      write: (lines, done) => {
        output.write(stderr, lines, done);
      },
    },
  );
  let signalled = false;
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      // The second signal does not wait for the device.
      if (signalled) {
        note(`vgpu-mediator: ended immediately by a second signal (${name})`);
        void endAtOnce(128 + number);
      }
      signalled = true;
      service.stop(name);
    });
  }
  const terminal = new Terminal({
    onClosed: () => {
      service.stop('the terminal was closed');
    },
    onHangup: () => {
      service.reload();
    },
  });
  process.once('exit', () => {
    terminal.release();
  });
  process.on('SIGHUP', () => {
    terminal.hangup();
  });
  if (heard.SIGHUP === true) terminal.hangup();
  process.on('SIGUSR1', () => {
    service.printStatistics();
  });
  await service.run();
}

function write(text: string): void {
  if (outputError !== undefined) return;
  output.write(STDOUT, text, (error) => {
    if (error !== undefined) cannotWrite(error);
  });
}

/** A command ends if its messages cannot be read; a mediator continues. */
function note(text: string): void {
  output.write(stderr, `${escapeControls(text, '\n')}\n`, (error) => {
    if (error?.code === 'EPIPE' && !isServing) cannotWrite(error);
  });
}

function cannotWrite(error: NodeJS.ErrnoException): void {
  outputError ??= error;
  interruption.abort();
}

/** Settles when the process stops waiting for its output: some time after a signal. */
function outputLimit(): Promise<void> {
  return new Promise((resolve) => {
    const lose = () => {
      setTimeout(resolve, EXIT_GRACE_MS).unref();
    };
    if (interruption.signal.aborted) lose();
    else interruption.signal.addEventListener('abort', lose);
  });
}

/** Sets the status and lets the process end, once its output is written or `limit` settles. */
async function end(status: number, limit: Promise<unknown>): Promise<void> {
  await written(limit);
  process.exitCode = await statusWithOutput(status);
  if (output.waitingBytes > 0) leave(interruptedBy > 0 ? 128 + interruptedBy : status);
  setTimeout(() => {
    leave(process.exitCode as number);
  }, EXIT_GRACE_MS).unref();
}

/** A command whose output cannot be written has failed. */
async function statusWithOutput(status: number): Promise<number> {
  if (outputError === undefined) return status;
  if (outputError.code === 'EPIPE') return BROKEN_PIPE;
  note(`vgpu-mediator: cannot write the output: ${outputError.message}`);
  await written(sleep(EXIT_GRACE_MS, undefined, { ref: false }));
  return ExitCode.CANT_CREATE;
}

async function endAtOnce(status: number): Promise<void> {
  await written(sleep(EXIT_GRACE_MS));
  leave(status);
}

async function written(limit: Promise<unknown>): Promise<void> {
  // The lines of this turn of the event loop are passed on at its end.
  await new Promise(setImmediate);
  await Promise.race([output.flushed(), limit]);
}

/**
 * Ends the process at once: exit(3) would join a thread that is in write(2), which may wait for its
 * reader.
 */
function leave(status: number): void {
  if (output.isInCall) {
    addonIfAny()?.exit(status);
    process.kill(process.pid, 'SIGKILL');
  }
  process.exit(status);
}
