/** The only file that knows of the process: arguments, environment, signals, exit status. */
import { ExitCode } from '@vgpu/protocol';
import { run } from './cli/run.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A thread that waits for a share which hangs can't be ended, and exit(3) would join it: when all
 * is said, the process has this long to end by itself.
 */
const END_MS = 2000;

const withdrawal = new AbortController();
let received: NodeJS.Signals | undefined;

/** The second signal finds no listener and so ends the process at once. */
function withdraw(signal: NodeJS.Signals): void {
  received = signal;
  for (const name of SIGNALS) process.off(name, withdraw);
  withdrawal.abort(new Error(`received ${signal}`));
}

for (const name of SIGNALS) process.on(name, withdraw);

// Who reads the output may go away at any time, for example `head`.
process.stderr.on('error', () => undefined);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`vgpu-vm-client: cannot write the output: ${error.message}\n`);
  process.exitCode = ExitCode.CANT_CREATE;
});

async function main(): Promise<void> {
  const status = await run({
    argv: process.argv.slice(2),
    env: process.env,
    signal: withdrawal.signal,
    print: (line) => process.stdout.write(`${line}\n`),
    report: (line) => process.stderr.write(`${line}\n`),
    stderr: process.stderr,
  });
  process.exitCode ??= status;
  if (received !== undefined) process.kill(process.pid, received);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_MS).unref();
}

// No top-level await: the program that users get is one file for `require`.
void main();
