import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode } from '@vgpu/protocol';
import type { StatusResult } from '../../control/status-result.js';
import { MediatorError } from '../../mediator-error.js';
import { MAX_TIMER_MS } from '../../time.js';
import { statusText } from '../status-text.js';
import {
  type Command,
  type Flags,
  JSON_OPTION,
  LOCATION,
  type Surroundings,
  toggle,
  value,
} from './command.js';
import { locationOf } from './location.js';

const INTERVAL_MS = 1000;

/** ECMA-48: what a terminal does without scrolling. */
const SCREEN = {
  hideCursor: '\x1b[?25l',
  showCursor: '\x1b[?25h',
  home: '\x1b[H',
  clearToEndOfLine: '\x1b[K',
  clearBelow: '\x1b[J',
} as const;

/** `status`: what the mediator that is running is doing. */
export const status: Command = {
  usage: 'status',
  summary: 'print what the mediator that is running is doing',
  build: (parser) =>
    parser
      .options({
        watch: toggle('print it again and again, on a terminal in place, until Ctrl-C'),
        interval: value(`with --watch: how often, ms [default: ${INTERVAL_MS}]`),
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 status', 'queue, devices and VMs')
      .example('$0 status --watch', 'the same, live; rates and use are those of the interval')
      .example("$0 status --json | jq '.queue.queued'", 'one number')
      .epilog(
        'BUSY is the share of the time that a device had a request on it; WAIT is how long requests ' +
          'of the last five minutes waited for a device; all other numbers are since the start. A VM ' +
          'is active, suspended, refused (not registered where that is required), absent (it has no ' +
          'directory) or failing (its directory cannot be used). With --json each status is one ' +
          'object; with --watch, one on each line.\n\n' +
          'Exit status: 0 printed, or ended by Ctrl-C; 64 wrong use; 69 no mediator is running; 73 the ' +
          'output cannot be written; 75 it does not answer; 77 no permission; 78 the configuration is ' +
          'invalid; 141 nobody reads the output any more.',
      ),
  run: async (flags, surroundings) => {
    const { stateDir } = locationOf(flags, surroundings);
    if (flags['watch'] === true) {
      await watch(stateDir, flags, surroundings);
      return ExitCode.OK;
    }
    const current = await readStatus(stateDir);
    surroundings.print(
      flags['json'] === true ? JSON.stringify(current, null, 2) : statusText(current, surroundings),
    );
    return ExitCode.OK;
  },
};

async function readStatus(stateDir: string): Promise<StatusResult> {
  const { ask } = await import('../../control/control-client.js');
  const { StatusResult: schema } = await import('../../control/status-result.js');
  return ask(stateDir, { command: 'status' }, schema);
}

/** A mediator that is gone is waited for: it may have been started anew. */
async function watch(stateDir: string, flags: Flags, surroundings: Surroundings): Promise<void> {
  const { isTerminal, write, written, interruption } = surroundings;
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
      // A mediator that hangs takes its time to be given up.
      const current = await Promise.race([readStatus(stateDir).catch(absent), interrupted]);
      if (current === undefined) break;
      if (typeof current === 'string') showAbsence(current, isInPlace, surroundings);
      else if (flags['json'] === true) surroundings.print(JSON.stringify(current));
      else show(statusText(current, surroundings, before), isInPlace, surroundings);
      // No faster than it is read.
      await Promise.race([written(), interrupted]);
      before = typeof current === 'string' ? undefined : current;
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    if (isInPlace) write(SCREEN.showCursor);
  }
}

/** The reason, if there is no mediator or it does not answer at present. */
function absent(error: unknown): string {
  const isAbsent =
    error instanceof MediatorError && (error.code === 'NOT_RUNNING' || error.code === 'NO_ANSWER');
  if (!isAbsent) throw error;
  return error.message;
}

function showAbsence(reason: string, isInPlace: boolean, surroundings: Surroundings): void {
  if (isInPlace) show(reason, isInPlace, surroundings);
  else surroundings.note(reason);
}

function show(
  text: string,
  isInPlace: boolean,
  { print, write, terminalRows }: Surroundings,
): void {
  if (!isInPlace) {
    print(`${text}\n`);
    return;
  }
  const lines = text.split('\n');
  const rows = terminalRows();
  // One more would scroll what is above out of sight. A terminal that does not know its size has none.
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
  const ms = typeof interval === 'string' && /^[0-9]{1,10}$/.test(interval) ? Number(interval) : 0;
  if (ms > 0 && ms <= MAX_TIMER_MS) return ms;
  throw new MediatorError(
    'USAGE',
    `--interval: expected milliseconds from 1 to ${MAX_TIMER_MS}, got ${JSON.stringify(interval)}`,
  );
}
