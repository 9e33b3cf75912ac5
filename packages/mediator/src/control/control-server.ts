import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../message-of.js';
import { MediatorError } from '../mediator-error.js';
import type { MediatorSnapshot } from '../telemetry/snapshot.js';
import {
  CONTROL_VERSION,
  ControlRequest,
  type ControlResponse,
  decodeMessage,
  type DrainResult,
  encodeMessage,
  MAX_REQUEST_BYTES,
  type ReloadResult,
} from './messages.js';
import { readLine } from './read-line.js';
import { controlSocketOf, shortControlPath, type ShortPath } from './socket-path.js';

/** How long a command may take to send its line, in milliseconds. */
const REQUEST_LIMIT_MS = 5000;
const MAX_CONNECTIONS = 64;

/** The actions of the mediator for each command. */
export interface ControlHandlers {
  /** @throws MediatorError `INVALID_REGISTRY`. */
  readonly reload: () => ReloadResult;
  readonly status: () => MediatorSnapshot;
  readonly drain: (wait: boolean) => Promise<DrainResult>;
}

/**
 * Runs the commands of an administrator, which arrive on a socket in the state directory that only
 * its owner and the superuser can open (mode 0600). Each connection has one request and one
 * response, a line of JSON each. The server does not close the connection of a `drain`: it ends
 * with this process, which tells the client of the end.
 *
 * The server's process holds the state directory's lock. An existing socket is therefore a leftover
 * of a killed mediator.
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
      // A client that is gone needs no response, and no client keeps this process running.
      socket.on('error', () => undefined).unref();
      void this.#serve(socket);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws the error of a system call; then the server does not listen. */
  async listen(): Promise<void> {
    rmSync(controlSocketOf(this.#stateDir), { force: true });
    const { path } = (this.#short = shortControlPath(this.#stateDir));
    const listening = new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).once('listening', resolve);
    });
    // Node binds within the call, so that the socket has this mode from the start.
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

  /** Stops listening; commands in progress still get their responses. */
  close(): void {
    // Node removes the socket within the call, by this name.
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
    const response = encodeMessage(await this.#responseTo(request));
    if (request.command === 'drain') socket.write(response);
    else socket.end(response);
  }

  async #responseTo(request: ControlRequest): Promise<ControlResponse> {
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

type Refused = Extract<ControlResponse, { ok: false }>;

function refused(code: Refused['code'], message: string): Refused {
  return { version: CONTROL_VERSION, ok: false, code, message };
}
