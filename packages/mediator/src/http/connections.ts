import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Connections without a complete request. */
const MAX_WAITING = 256;
/** Connections whose response is not sent completely, because its reader is slow. */
const MAX_RESPONDING = 32;

/**
 * The connections of a server, in limited number. A new connection beyond the limit closes another
 * one: that which has waited longest for a complete request, or whose response has been unread for
 * longest. A client that connects and sends a request is therefore served, whatever connections
 * others hold open.
 *
 * Node accepts one connection in each turn of its event loop, and reads from the others in between.
 * A request that has arrived when its connection is accepted is read before the next {@link
 * MAX_WAITING} connections are accepted.
 */
export class Connections {
  /** In the order in which their wait began. */
  readonly #waiting = new Set<Socket>();
  /** In the order of their last requests. */
  readonly #responding = new Set<Socket>();

  /** Adds a new connection. */
  add(socket: Socket): void {
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.#responding.delete(socket);
    });
    this.#wait(socket);
  }

  /** To be called when a request is complete, with its response to be. */
  respond(response: ServerResponse): void {
    const { socket } = response.req;
    this.#waiting.delete(socket);
    this.#responding.delete(socket);
    this.#responding.add(socket);
    closeFirst(this.#responding, MAX_RESPONDING);
    response.once('close', () => {
      this.#responding.delete(socket);
      if (!socket.destroyed) this.#wait(socket);
    });
  }

  /** To be called for a streaming response; their number is limited elsewhere. */
  release({ req }: ServerResponse): void {
    this.#responding.delete(req.socket);
  }

  /** Whether a response is in progress. */
  isResponding(socket: Socket): boolean {
    return this.#responding.has(socket);
  }

  #wait(socket: Socket): void {
    this.#waiting.delete(socket);
    this.#waiting.add(socket);
    closeFirst(this.#waiting, MAX_WAITING);
  }
}

function closeFirst(sockets: Set<Socket>, most: number): void {
  if (sockets.size <= most) return;
  const [first] = sockets;
  if (first === undefined) return;
  // Its event comes later.
  sockets.delete(first);
  first.destroy();
}
