import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as z from 'zod/mini';
import { messageOf } from '../message-of.js';
import { isLockHeld } from '../state/instance-lock.js';
import { MediatorError, unusableStateDir } from '../mediator-error.js';
import { errnoOf } from '@vgpu/linux';
import {
  CONTROL_VERSION,
  check,
  ControlResponse,
  type ControlRequest,
  decodeMessage,
  encodeMessage,
  MAX_RESPONSE_BYTES,
} from './messages.js';
import { readLine } from './read-line.js';
import { shortControlPath } from './socket-path.js';

/** Far longer than a mediator's event loop is ever busy, in milliseconds. */
const RESPONSE_LIMIT_MS = 10_000;
/** How long to wait for a starting mediator, which listens once its devices are open, in milliseconds. */
const START_LIMIT_MS = 5000;
const RETRY_MS = 50;

type Command = ControlRequest extends infer R
  ? R extends unknown
    ? Omit<R, 'version'>
    : never
  : never;

export interface AskOptions {
  /** How long to wait for the response, in milliseconds. Default: 10 s. */
  readonly limitMs?: number;
  /** Whether to wait until the process of the mediator has ended. */
  readonly untilItEnds?: boolean;
  /** Abandons the command when it is aborted; the mediator may still run it. */
  readonly signal?: AbortSignal;
}

/**
 * Sends a command to the mediator that uses a state directory.
 *
 * @param result The schema of the result.
 * @throws MediatorError `NOT_RUNNING`: no mediator is running. `NO_RESPONSE`: one is running, but
 *   does not listen, or sends no valid response. `INVALID_REGISTRY`: the mediator cannot read it.
 *   `STATE_DIR_UNUSABLE`: no permission.
 */
export async function ask<T extends z.core.$ZodType>(
  stateDir: string,
  command: Command,
  result: T,
  { limitMs = RESPONSE_LIMIT_MS, untilItEnds = false, signal }: AskOptions = {},
): Promise<z.output<T>> {
  const socket = await connect(stateDir, signal);
  const abandon = () => {
    socket.destroy();
  };
  signal?.addEventListener('abort', abandon);
  const ended = new Promise((resolve) => socket.once('close', resolve));
  try {
    const request = { version: CONTROL_VERSION, ...command } as ControlRequest;
    socket.write(encodeMessage(request));
    const response = decodeMessage(
      ControlResponse,
      await readLine(socket, MAX_RESPONSE_BYTES, limitMs),
    );
    if (!response.ok) throw refusedBy(response);
    const value = check(result, response.result);
    if (untilItEnds) await ended;
    return value;
  } catch (error) {
    if (error instanceof MediatorError) throw error;
    throw noResponse(messageOf(error), error);
  } finally {
    signal?.removeEventListener('abort', abandon);
    socket.destroy();
  }
}

async function connect(stateDir: string, signal: AbortSignal | undefined): Promise<Socket> {
  const untilMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    const socket = await tryToConnect(stateDir);
    if (socket !== undefined) return socket;
    if (!isInUse(stateDir)) {
      throw new MediatorError(
        'NOT_RUNNING',
        `no mediator is running with the state directory ${stateDir}`,
      );
    }
    if (performance.now() > untilMs) {
      throw noResponse(
        `it uses ${stateDir}, but does not listen: it is starting or stopping, or it hangs`,
      );
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

/** Returns undefined if no process listens. */
async function tryToConnect(stateDir: string): Promise<Socket | undefined> {
  try {
    const short = shortControlPath(stateDir);
    try {
      const socket = createConnection(short.path);
      await once(socket, 'connect');
      // An error outside of a read ends the connection, which the next read notices.
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

function refusedBy({ code, message }: Extract<ControlResponse, { ok: false }>): MediatorError {
  if (code === 'INVALID_REGISTRY') return new MediatorError(code, message);
  return noResponse(code === 'UNSUPPORTED' ? `it is of another version: ${message}` : message);
}

function noResponse(reason: string, cause?: unknown): MediatorError {
  return new MediatorError(
    'NO_RESPONSE',
    `the running mediator did not respond: ${reason}; see its log, and vgpu-mediator doctor`,
    { cause },
  );
}
