import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode } from '@vgpu/protocol';
import { durationText } from '@vgpu/protocol/cli';
import type { StatusResult } from '../../control/status-result.js';
import { MediatorError } from '../../mediator-error.js';
import { milliseconds } from '../options.js';
import { statusText } from '../status-text.js';
import {
  type Command,
  type Flags,
  JSON_OPTION,
  LOCATION,
  type CliContext,
  toggle,
  value,
} from './command.js';
import { locationOf } from './location.js';

const INTERVAL_MS = 1000;

/** ECMA-48: control sequences for drawing in place. */
const SCREEN = {
  hideCursor: '\x1b[?25l',
  showCursor: '\x1b[?25h',
  home: '\x1b[H',
  clearToEndOfLine: '\x1b[K',
  clearBelow: '\x1b[J',
} as const;

/** `status`: the state of the running mediator. */
export const status: Command = {
  usage: 'status',
  summary: 'print the state of the running mediator',
  build: (parser) =>
    parser
      .options({
        watch: toggle('repeat until Ctrl-C; on a terminal, in place'),
        interval: value(`interval of --watch [default: ${durationText(INTERVAL_MS)}]`),
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 status', 'queue, devices and VMs')
      .example('$0 status --watch', 'the same, live; rates and usage are those of the interval')
      .example("$0 status --json | jq '.queue.queued'", 'one number')
      .epilog(
        'BUSY is the share of time in which a device had a request; WAIT is how long requests waited for a ' +
          'device in the last five minutes; all other numbers are since the start. A VM is active, ' +
          'suspended, refused (not registered, but registration is required), absent (it has no ' +
          'directory) or failing (its directory cannot be used). With --json each status is one ' +
          'object; with --watch, one per line.\n',
      ),
  run: async (flags, context) => {
    const { stateDir } = locationOf(flags, context);
    if (flags['watch'] === true) {
      await watch(stateDir, flags, context);
      return ExitCode.OK;
    }
    const current = await readStatus(stateDir);
    context.print(
      flags['json'] === true ? JSON.stringify(current, null, 2) : statusText(current, context),
    );
    return ExitCode.OK;
  },
};

async function readStatus(stateDir: string, signal?: AbortSignal): Promise<StatusResult> {
  const { ask } = await import('../../control/control-client.js');
  const { StatusResult: schema } = await import('../../control/status-result.js');
  return ask(stateDir, { command: 'status' }, schema, signal && { signal });
}

/** Repeats the status until it is interrupted. A mediator that has ended may come back. */
async function watch(stateDir: string, flags: Flags, context: CliContext): Promise<void> {
  const { isTerminal, write, written, interruption } = context;
  const intervalMs = intervalOf(flags);
  const signal = interruption();
  const interrupted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(undefined);
    });
  });
  const isInPlace = isTerminal && flags['json'] !== true;
  let before: StatusResult | undefined;
  if (isInPlace) write(SCREEN.hideCursor + SCREEN.home + SCREEN.clearBelow);
  try {
    while (!signal.aborted) {
      // It may take seconds to find out that a mediator hangs.
      const current = await Promise.race([readStatus(stateDir, signal).catch(absent), interrupted]);
      if (current === undefined) break;
      if (typeof current === 'string') showAbsence(current, isInPlace, context);
      else if (flags['json'] === true) context.print(JSON.stringify(current));
      else show(statusText(current, context, before), isInPlace, context);
      // Not faster than the reader.
      await Promise.race([written(), interrupted]);
      before = typeof current === 'string' ? undefined : current;
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    if (isInPlace) write(SCREEN.showCursor);
  }
}

/** The reason, if no mediator is running or it does not respond. */
function absent(error: unknown): string {
  const isAbsent =
    error instanceof MediatorError &&
    (error.code === 'NOT_RUNNING' || error.code === 'NO_RESPONSE');
  if (!isAbsent) throw error;
  return error.message;
}

function showAbsence(reason: string, isInPlace: boolean, context: CliContext): void {
  if (isInPlace) show(reason, isInPlace, context);
  else context.note(reason);
}

function show(text: string, isInPlace: boolean, { print, write, terminalRows }: CliContext): void {
  if (!isInPlace) {
    print(`${text}\n`);
    return;
  }
  const lines = text.split('\n');
  const rows = terminalRows();
  // One more row would scroll the first ones out of sight. A terminal may not know its size.
  const room = rows > 1 ? rows - 1 : Infinity;
  const shown =
    lines.length > room
      ? [...lines.slice(0, room - 1), `... ${lines.length - room + 1} more lines`]
      : lines;
  write(
    `${SCREEN.home}${shown.map((line) => `${line}${SCREEN.clearToEndOfLine}\n`).join('')}${SCREEN.clearBelow}`,
  );
}

function intervalOf({ interval }: Flags): number {
  if (interval === undefined) return INTERVAL_MS;
  const { success, data, error } = milliseconds(1).safeParse(interval);
  if (success) return data;
  const expectation = error.issues[0]?.message ?? 'a duration';
  throw new MediatorError(
    'USAGE',
    `--interval: expected ${expectation}, got ${JSON.stringify(interval)}`,
  );
}
