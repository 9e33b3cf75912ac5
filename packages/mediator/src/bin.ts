/** The only file that knows of the process: arguments, environment, signals, exit status. */
import { setFlagsFromString } from 'node:v8';
import { realpathSync } from 'node:fs';
import { parseCommandLine } from './cli/command-line.js';
import { errorText } from './cli/error-text.js';
import { exitCodeOf } from './cli/exit-code.js';
import { VERSION } from './constants.js';
import { ExitCode } from '@vgpu/protocol';

/** Calls in a driver that hangs would keep the process alive for ever (milliseconds). */
const EXIT_GRACE_MS = 1000;

/**
 * V8 looks for garbage when its heap has grown by so much, percent. Left to itself it lets the heap of a
 * great backlog grow to the fourfold, and is no faster for it (docs/benchmarks.md).
 */
const HEAP_GROWTH = 40;

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

// Whoever reads what goes wrong may have gone away.
process.stderr.on('error', () => undefined);
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') return;
  process.stderr.write(`vgpu-mediator: cannot write the output: ${message}\n`);
  process.exitCode = ExitCode.CANT_CREATE;
});

/** Aborted by a signal, instead of the process being ended by it. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of Object.keys(SIGNALS)) {
    process.once(name, () => {
      controller.abort();
    });
  }
  return controller.signal;
}

async function main(): Promise<void> {
  const line = await parseCommandLine(process.argv.slice(2), () => VERSION);
  if (line.command === 'print') {
    process.stdout.write(`${line.text}\n`);
    return;
  }
  if (line.command === 'administer') {
    const code = await line.run({
      environment: process.env,
      program: () => [process.execPath, realpathSync(process.argv[1] ?? '')],
      isTerminal: process.stdout.isTTY,
      terminalRows: () => (process.stdout.isTTY ? process.stdout.rows : 0),
      print: (text) => process.stdout.write(`${text}\n`),
      write: (text) => process.stdout.write(text),
      note: (text) => process.stderr.write(`vgpu-mediator: ${text}\n`),
      interruption,
    });
    process.exitCode ??= code;
    return;
  }
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  // Commands do without all that serves.
  const { Service } = await import('./cli/service.js');
  const service = new Service({ flags: line.flags, environment: process.env });
  let signalled = false;
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      // The second one is for whoever does not want to wait for the device.
      if (signalled) {
        process.stderr.write(`vgpu-mediator: ended at once by a second signal (${name})\n`);
        process.exit(128 + number);
      }
      signalled = true;
      service.stop(name);
    });
  }
  process.on('SIGHUP', () => {
    service.reload();
  });
  process.on('SIGUSR1', () => {
    service.printStatistics();
  });
  await service.run();
}

void main()
  .then(
    () => {
      process.exitCode ??= ExitCode.OK;
    },
    (error: unknown) => {
      process.stderr.write(`${errorText(error, process.argv.includes('--json'))}\n`);
      process.exitCode = exitCodeOf(error);
    },
  )
  .finally(() => {
    setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
  });
