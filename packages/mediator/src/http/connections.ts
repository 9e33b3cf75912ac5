import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Connections without a complete request. */
const MAX_WAITING = 256;
/** Connections whose response is not sent completely, because its reader takes its time. */
const MAX_ANSWERED = 32;

/**
 * The connections of a server, few as they are. Where one comes that is too many, another is closed: the one
 * that has been without a complete request for longest, or that has left its response unread for longest. So
 * whoever connects and asks is served, whatever others hold open.
 *
 * Node accepts one connection in each turn of its event loop, and reads from the others in between: a
 * request that is there when its connection is accepted is read before the next {@link MAX_WAITING} come.
 */
export class Connections {
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<Socket>();
  /** In the order of their last requests. */
  readonly #answered = new Set<Socket>();

  /** Takes up a new connection. */
  add(socket: Socket): void {
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.#answered.delete(socket);
    });
    this.#wait(socket);
  }

  /** To be called when a request is complete, with what is to become its response. */
  answer(response: ServerResponse): void {
    const { socket } = response.req;
    this.#waiting.delete(socket);
    this.#answered.delete(socket);
    this.#answered.add(socket);
    closeFirst(this.#answered, MAX_ANSWERED);
    response.once('close', () => {
      this.#answered.delete(socket);
      if (!socket.destroyed) this.#wait(socket);
    });
  }

  /** To be called for a response that goes on, and whose number is limited elsewhere. */
  leave({ req }: ServerResponse): void {
    this.#answered.delete(req.socket);
  }

  /** Whether a response is under way. */
  isAnswered(socket: Socket): boolean {
    return this.#answered.has(socket);
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
  // It says that it is closed only later.
  sockets.delete(first);
  first.destroy();
}
