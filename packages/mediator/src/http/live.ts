import type { ServerResponse } from 'node:http';
import type { MediatorSnapshot, QueueSnapshot } from '../snapshot.js';
import { EventStream } from './event-stream.js';
import { Latest } from './latest.js';
import type { Now, QueueSample } from './page-events.js';
import { Ring } from './ring.js';

const TICK_MS = 1000;
/** A look that takes long comes so much less often: it takes a fiftieth of the time at most. */
const PAUSE_PER_LOOK = 50;
/** Five minutes. */
const MAX_SAMPLES = 300;

/** What the page is told every second: all there is to see; at first also how the queue was. */
export class Live {
  readonly latest = new Latest();
  readonly #look: () => MediatorSnapshot;
  readonly #queueNow: () => QueueSnapshot;
  readonly #samples = new Ring<QueueSample>(MAX_SAMPLES);
  readonly #stream = new EventStream();
  readonly #timer: NodeJS.Timeout;
  #lookAgainMs = 0;

  /** @param look Costs time in proportion to the number of VMs, and `queueNow` little. */
  constructor(look: () => MediatorSnapshot, queueNow: () => QueueSnapshot) {
    this.#look = look;
    this.#queueNow = queueNow;
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
  }

  /** Adds a client; false if there are too many. */
  add(response: ServerResponse): boolean {
    if (!this.#stream.add(response)) return false;
    this.#stream.sendTo(response, 'history', this.#samples.oldestFirst());
    this.#stream.sendTo(response, 'now', this.#now());
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stream.close();
  }

  #tick(): void {
    const { depths } = this.#queueNow();
    const queued = [2, 1, 0].map((level) =>
      depths.reduce((sum, depth) => sum + (depth.priority === level ? depth.queued : 0), 0),
    );
    this.#samples.push({ atMs: Date.now(), queued });
    const startedMs = performance.now();
    if (this.#stream.size === 0 || startedMs < this.#lookAgainMs) return;
    this.#stream.send('now', this.#now());
    this.#lookAgainMs = startedMs + PAUSE_PER_LOOK * (performance.now() - startedMs);
  }

  #now(): Now {
    const { requests, troubles } = this.latest;
    return { atMs: Date.now(), mediator: this.#look(), requests, troubles };
  }
}
