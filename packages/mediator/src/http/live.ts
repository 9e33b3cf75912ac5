import type { ServerResponse } from 'node:http';
import type { Mediator } from '../mediator.js';
import type { VmOverview } from '../telemetry/snapshot.js';
import { EventStream, eventText } from './event-stream.js';
import { FirstOf } from './first-of.js';
import { visitInTurns } from './in-turns.js';
import { Latest } from './latest.js';
import type { QueueSample, ShownVms } from './page-events.js';
import { Ring } from './ring.js';

const TICK_MS = 1000;
/** A look that takes long comes so much less often: it takes a fiftieth of the time at most. */
const PAUSE_PER_LOOK = 50;
/** Five minutes. */
const MAX_SAMPLES = 300;
/** VMs of which the page is told all: 300 KiB. A browser has to show them each second. */
const MAX_SHOWN = 1000;

/** What is shown of a mediator. */
export type Shown = Pick<Mediator, 'overview' | 'queueSnapshot' | 'recentWaitMs' | 'vms'>;

/**
 * What the page is told every second: how the queue is, by which it also knows that the mediator is there, and
 * all there is to see, as far as the number of VMs allows; at first also how the queue was.
 */
export class Live {
  readonly latest = new Latest();
  readonly #mediator: Shown;
  readonly #samples = new Ring<QueueSample>(MAX_SAMPLES);
  readonly #stream = new EventStream();
  readonly #timer: NodeJS.Timeout;
  /** Of the last look; it is of use until the next one. */
  #now: string | undefined;
  #isLooking = false;
  #lookAgainMs = 0;

  constructor(mediator: Shown) {
    this.#mediator = mediator;
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
  }

  /** Adds a client; false if there are too many. */
  add(response: ServerResponse): boolean {
    if (!this.#stream.add(response)) return false;
    response.write(eventText('history', this.#samples.oldestFirst()));
    // Clients that come again and again cost no more looks than one that stays.
    if (this.#now !== undefined && this.#mustWait()) response.write(this.#now);
    else void this.#look();
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stream.close();
  }

  #tick(): void {
    const { depths } = this.#mediator.queueSnapshot();
    const queued = [2, 1, 0].map((level) =>
      depths.reduce((sum, depth) => sum + (depth.priority === level ? depth.queued : 0), 0),
    );
    const sample = { atMs: Date.now(), queued };
    this.#samples.push(sample);
    if (this.#stream.size === 0) return;
    this.#stream.send(eventText('sample', sample));
    if (!this.#mustWait()) void this.#look();
  }

  #mustWait(): boolean {
    return performance.now() < this.#lookAgainMs;
  }

  /** Tells all clients what there is to see. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { vms, busyMs } = await busiestOf(this.#mediator);
    const startedMs = performance.now();
    const { requests, troubles } = this.latest;
    const mediator = this.#mediator.overview();
    const now = { atMs: Date.now(), mediator, vms, requests, troubles };
    this.#now = eventText('now', now);
    this.#stream.send(this.#now);
    const endedMs = performance.now();
    this.#lookAgainMs = endedMs + PAUSE_PER_LOOK * (busyMs + endedMs - startedMs);
    this.#isLooking = false;
  }
}

async function busiestOf(mediator: Shown): Promise<{ vms: ShownVms; busyMs: number }> {
  const busiest = new FirstOf(MAX_SHOWN, byLoad);
  let [known, registered] = [0, 0];
  const busyMs = await visitInTurns(mediator.vms(), (vm) => {
    known += 1;
    registered += Number(vm.registered);
    busiest.push(vm);
  });
  const shown = busiest
    .first()
    .map((vm) => ({ ...vm, recentWaitMs: mediator.recentWaitMs(vm.vm) }));
  return { vms: { known, registered, shown }, busyMs };
}

function byLoad(a: VmOverview, b: VmOverview): number {
  return b.queued - a.queued || b.requests - a.requests || a.vm - b.vm;
}
