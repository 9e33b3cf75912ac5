import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../devices/execution.js';
import { MediatorError } from '../mediator-error.js';
import type { MediatorSnapshot } from '../telemetry/snapshot.js';
import {
  CONTROL_VERSION,
  ControlRequest,
  type ControlReply,
  decodeMessage,
  type DrainResult,
  encodeMessage,
  MAX_REQUEST_BYTES,
  type ReloadResult,
} from './messages.js';
import { readLine } from './read-line.js';
import { controlSocketOf, shortControlPath, type ShortPath } from './socket-path.js';

/** So long a command may take to send its line, milliseconds. */
const REQUEST_LIMIT_MS = 5000;
const MAX_CONNECTIONS = 64;

/** What the mediator does when it is asked to. */
export interface ControlHandlers {
  /** @throws MediatorError `INVALID_REGISTRY`. */
  readonly reload: () => ReloadResult;
  readonly status: () => MediatorSnapshot;
  readonly drain: (wait: boolean) => Promise<DrainResult>;
}

/**
 * Answers the commands of an administrator on a socket in the state directory, which only its owner
 * and root can open (mode 0600). Each connection has one request and one reply, a line of JSON each.
 * That of a `drain` is left to the other side to close, for which it thus ends with this process.
 *
 * Whoever listens holds the state directory's lock, so that a socket that is there is left of a
 * mediator that was killed.
 */
export class ControlServer {
  readonly #stateDir: string;
  readonly #handlers: ControlHandlers;
  readonly #server: Server;
  #short: ShortPath | undefined;

  constructor(stateDir: string, handlers: ControlHandlers) {
    this.#stateDir = stateDir;
    this.#handlers = handlers;
    this.#server = createServer({ allowHalfOpen: false }, (socket) => {
      // A command that has gone away needs no reply, and none keeps this process.
      socket.on('error', () => undefined).unref();
      void this.#serve(socket);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws the error of a system call; then nobody listens. */
  async listen(): Promise<void> {
    rmSync(controlSocketOf(this.#stateDir), { force: true });
    const { path } = (this.#short = shortControlPath(this.#stateDir));
    const listening = new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).once('listening', resolve);
    });
    // Node binds within the call, so that the socket never has another mode.
    const before = process.umask(0o177);
    try {
      this.#server.listen(path);
    } finally {
      process.umask(before);
    }
    await listening.catch((error: unknown) => {
      this.close();
      throw error;
    });
    this.#server.unref();
  }

  /** Listens no more; what is being answered still is. */
  close(): void {
    // Node removes the socket within the call, by the name that it has.
    this.#server.close();
    this.#short?.release();
    this.#short = undefined;
  }

  async #serve(socket: Socket): Promise<void> {
    let line: string;
    try {
      line = await readLine(socket, MAX_REQUEST_BYTES, REQUEST_LIMIT_MS);
    } catch {
      socket.destroy();
      return;
    }
    let request: ControlRequest;
    try {
      request = decodeMessage(ControlRequest, line);
    } catch (error) {
      socket.end(encodeMessage(refused('UNSUPPORTED', messageOf(error))));
      return;
    }
    const reply = encodeMessage(await this.#replyTo(request));
    if (request.command === 'drain') socket.write(reply);
    else socket.end(reply);
  }

  async #replyTo(request: ControlRequest): Promise<ControlReply> {
    try {
      return { version: CONTROL_VERSION, ok: true, result: await this.#handle(request) };
    } catch (error) {
      const isRegistry = error instanceof MediatorError && error.code === 'INVALID_REGISTRY';
      return refused(isRegistry ? 'INVALID_REGISTRY' : 'INTERNAL', messageOf(error));
    }
  }

  #handle(request: ControlRequest): unknown {
    switch (request.command) {
      case 'reload':
        return this.#handlers.reload();
      case 'status':
        return { pid: process.pid, ...this.#handlers.status() };
      case 'drain':
        return this.#handlers.drain(request.wait);
    }
  }
}

type Refused = Extract<ControlReply, { ok: false }>;

function refused(code: Refused['code'], message: string): Refused {
  return { version: CONTROL_VERSION, ok: false, code, message };
}
