import type { ServerResponse } from 'node:http';
import { PRIORITIES } from '@vgpu/protocol';
import type { DeviceFault } from '../devices/execution.js';
import type { DeviceSnapshot, VmOverview } from '../telemetry/snapshot.js';
import type { MediatorObserver } from '../telemetry/observer.js';
import type { FinishedRequest } from '../telemetry/finished-request.js';
import type { Mediator } from '../mediator.js';
import type { FinishedAt, ErrorEvent, QueueSample, ShownVms } from './page-events.js';
import { Ring, FirstOf } from './bounded-lists.js';
import { EventStream, eventText } from './event-stream.js';
import { visitInTurns } from './shared-work.js';

const MAX_KEPT = 50;

/** Keeps the latest requests and the latest errors. */
export class Latest implements MediatorObserver {
  readonly #requests = new Ring<FinishedAt>(MAX_KEPT);
  readonly #errors = new Ring<ErrorEvent>(MAX_KEPT);

  requestFinished(request: FinishedRequest): void {
    const finished = { atMs: Date.now(), request };
    this.#requests.push(finished);
    const { outcome } = request;
    if (outcome !== 'OK' && outcome !== 'WITHDRAWN') this.#errors.push(finished);
  }

  deviceChanged(device: DeviceSnapshot, fault?: DeviceFault): void {
    if (fault !== undefined) this.#errors.push({ atMs: Date.now(), device, fault });
  }

  /** Latest first. */
  get requests(): FinishedAt[] {
    return this.#requests.latestFirst();
  }

  /** Latest first. */
  get errors(): ErrorEvent[] {
    return this.#errors.latestFirst();
  }
}

const TICK_MS = 1000;
/**
 * The pause after an update is this multiple of its duration, so that updates take at most 2 % of
 * the time.
 */
const PAUSE_FACTOR = 50;
/** Five minutes. */
const MAX_SAMPLES = 300;
/** VMs that the page shows, about 300 KiB each second. */
const MAX_SHOWN = 1000;

/** The part of a mediator that the page shows. */
export type Shown = Pick<Mediator, 'overview' | 'queueSnapshot' | 'recentWaitMs' | 'vms'>;

/**
 * Sends updates to the page every second: a sample of the queue, which also shows that the mediator
 * is alive, and, as often as the number of VMs allows, a snapshot. A new client also gets the
 * recent samples.
 */
export class Live {
  readonly latest = new Latest();
  readonly #mediator: Shown;
  readonly #samples = new Ring<QueueSample>(MAX_SAMPLES);
  readonly #stream = new EventStream();
  readonly #timer: NodeJS.Timeout;
  /** The last snapshot event. */
  #now: string | undefined;
  #isUpdating = false;
  #nextUpdateMs = 0;

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
    // A client that reconnects repeatedly causes no additional snapshots.
    if (this.#now !== undefined && this.#mustWait()) response.write(this.#now);
    else void this.#update();
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stream.close();
  }

  #tick(): void {
    const { depths } = this.#mediator.queueSnapshot();
    const queued = PRIORITIES.map((level) =>
      depths.reduce((sum, depth) => sum + (depth.priority === level ? depth.queued : 0), 0),
    );
    const sample = { atMs: Date.now(), queued };
    this.#samples.push(sample);
    if (this.#stream.size === 0) return;
    this.#stream.send(eventText('sample', sample));
    if (!this.#mustWait()) void this.#update();
  }

  #mustWait(): boolean {
    return performance.now() < this.#nextUpdateMs;
  }

  /** Sends a snapshot to all clients. */
  async #update(): Promise<void> {
    if (this.#isUpdating) return;
    this.#isUpdating = true;
    const { vms, busyMs } = await busiestOf(this.#mediator);
    const startedMs = performance.now();
    const { requests, errors } = this.latest;
    const mediator = this.#mediator.overview();
    const now = { atMs: Date.now(), mediator, vms, requests, errors };
    this.#now = eventText('now', now);
    this.#stream.send(this.#now);
    const endedMs = performance.now();
    this.#nextUpdateMs = endedMs + PAUSE_FACTOR * (busyMs + endedMs - startedMs);
    this.#isUpdating = false;
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
