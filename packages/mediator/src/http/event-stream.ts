import type { ServerResponse } from 'node:http';

const MAX_CLIENTS = 16;
/** A client is disconnected after it has missed this many events in a row. */
const MAX_MISSED = 10;

/** Server-sent events to several clients, with at most one unread event for each. */
export class EventStream {
  /** Clients, with the number of events that each has missed in a row. */
  readonly #clients = new Map<ServerResponse, number>();

  get size(): number {
    return this.#clients.size;
  }

  /** Adds a client, which gets all events from now on; false if there are too many. */
  add(response: ServerResponse): boolean {
    if (this.#clients.size >= MAX_CLIENTS) return false;
    this.#clients.set(response, 0);
    response.on('close', () => this.#clients.delete(response));
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 1000\n\n');
    return true;
  }

  /** Sends an event, as {@link eventText} writes it, to all clients that have read the last one. */
  send(event: string): void {
    for (const [client, missed] of this.#clients) {
      if (!client.writableNeedDrain) {
        this.#clients.set(client, 0);
        client.write(event);
      } else if (missed < MAX_MISSED) {
        this.#clients.set(client, missed + 1);
      } else {
        client.destroy();
      }
    }
  }

  close(): void {
    for (const client of this.#clients.keys()) client.end();
  }
}

/** An event in the format of the stream. */
export function eventText(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
