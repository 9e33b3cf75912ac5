import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as z from 'zod/mini';
import { messageOf } from '../devices/execution.js';
import { isLockHeld } from '../state/instance-lock.js';
import { MediatorError, unusableStateDir } from '../mediator-error.js';
import { errnoOf } from '@vgpu/linux';
import {
  CONTROL_VERSION,
  check,
  ControlReply,
  type ControlRequest,
  decodeMessage,
  encodeMessage,
  MAX_REPLY_BYTES,
} from './messages.js';
import { readLine } from './read-line.js';
import { shortControlPath } from './socket-path.js';

/** Far longer than a mediator's event loop is ever busy (milliseconds). */
const REPLY_LIMIT_MS = 10_000;
/** A mediator that is starting listens once its devices are open; so long it is waited for. */
const START_LIMIT_MS = 5000;
const RETRY_MS = 50;

type Question = ControlRequest extends infer R
  ? R extends unknown
    ? Omit<R, 'version'>
    : never
  : never;

export interface AskOptions {
  /** How long to wait for the reply, milliseconds. Default: 10 s. */
  readonly limitMs?: number;
  /** Also waits until the process that replied has ended. */
  readonly untilItEnds?: boolean;
}

/**
 * Asks the mediator that uses a state directory.
 *
 * @param result What the reply has to hold.
 * @throws MediatorError `NOT_RUNNING`: nobody listens. `NO_ANSWER`: somebody does, and gives no reply
 *   that can be used; or one is running that does not listen. `INVALID_REGISTRY`: as the mediator says. `STATE_DIR_UNUSABLE`: no permission.
 */
export async function ask<T extends z.core.$ZodType>(
  stateDir: string,
  question: Question,
  result: T,
  { limitMs = REPLY_LIMIT_MS, untilItEnds = false }: AskOptions = {},
): Promise<z.output<T>> {
  const socket = await connect(stateDir);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  try {
    const request = { version: CONTROL_VERSION, ...question } as ControlRequest;
    socket.write(encodeMessage(request));
    const reply = decodeMessage(ControlReply, await readLine(socket, MAX_REPLY_BYTES, limitMs));
    if (!reply.ok) throw refusedBy(reply);
    const answer = check(result, reply.result);
    if (untilItEnds) await ended;
    return answer;
  } catch (error) {
    if (error instanceof MediatorError) throw error;
    throw noAnswer(messageOf(error), error);
  } finally {
    socket.destroy();
  }
}

async function connect(stateDir: string): Promise<Socket> {
  const untilMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    const socket = await tryToConnect(stateDir);
    if (socket !== undefined) return socket;
    if (!isInUse(stateDir)) {
      throw new MediatorError('NOT_RUNNING', `no mediator is running that uses ${stateDir}`);
    }
    if (performance.now() > untilMs) {
      throw noAnswer(
        `it holds ${stateDir}, but does not listen: it is starting, or ending, or hangs`,
      );
    }
    await sleep(RETRY_MS);
  }
}

/** undefined if nobody listens. */
async function tryToConnect(stateDir: string): Promise<Socket | undefined> {
  try {
    const short = shortControlPath(stateDir);
    try {
      const socket = createConnection(short.path);
      await once(socket, 'connect');
      // Errors that come while nobody reads end the connection, which whoever reads next will see.
      socket.on('error', () => undefined);
      return socket;
    } finally {
      short.release();
    }
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw code === undefined ? cause : unusableStateDir(stateDir, cause);
  }
}

function isInUse(stateDir: string): boolean {
  try {
    return isLockHeld(stateDir);
  } catch (cause) {
    throw unusableStateDir(stateDir, cause);
  }
}

function refusedBy({ code, message }: Extract<ControlReply, { ok: false }>): MediatorError {
  if (code === 'INVALID_REGISTRY') return new MediatorError(code, message);
  return noAnswer(code === 'UNSUPPORTED' ? `it is of another version: ${message}` : message);
}

function noAnswer(reason: string, cause?: unknown): MediatorError {
  return new MediatorError(
    'NO_ANSWER',
    `the mediator that is running gives no answer: ${reason}; see its log, and vgpu-mediator doctor`,
    { cause },
  );
}
