import { setImmediate as nextTurn } from 'node:timers/promises';
import { priorityName } from '@vgpu/protocol';
import type * as Prom from 'prom-client';
import type { MediatorObserver } from '../observer.js';
import type { MediatorSnapshot } from '../snapshot.js';
import type { FinishedRequest } from '../statistics.js';
import { canServe } from './readiness.js';
import { defineMetrics } from './metric-definitions.js';

/** The pool and priority of requests whose lines could not be read. */
const UNKNOWN = 'unknown';

/** What Prometheus is told: counts requests as they finish, and looks at the rest when it asks. */
export class Metrics implements MediatorObserver {
  readonly contentType: string;
  readonly #registry: Prom.Registry;
  readonly #metrics: ReturnType<typeof defineMetrics>;

  private constructor(prom: typeof Prom) {
    this.#registry = new prom.Registry();
    this.#metrics = defineMetrics(prom, this.#registry);
    this.contentType = this.#registry.contentType;
  }

  static async create(): Promise<Metrics> {
    // In the bundle it is a file of its own, for those that want metrics.
    return new Metrics(await import('prom-client'));
  }

  requestFinished(request: FinishedRequest): void {
    const { vm, pool = UNKNOWN, priority, outcome, waitMs, execMs, durationMs, device } = request;
    const { requests, wait, duration, execution } = this.#metrics;
    const level = priority === undefined ? UNKNOWN : priorityName(priority);
    requests.inc({ vm, pool, priority: level, outcome });
    if (waitMs !== undefined) wait.observe(waitMs / 1000);
    if (durationMs !== undefined) duration.observe(durationMs / 1000);
    if (execMs !== undefined && device !== undefined) execution.observe({ device }, execMs / 1000);
  }

  /** The exposition. It is written a metric at a time, so that requests are served in between. */
  async text(snapshot: MediatorSnapshot): Promise<string> {
    this.#takeOver(snapshot);
    const texts: string[] = [];
    for (const { name } of this.#registry.getMetricsAsArray()) {
      texts.push(await this.#registry.getSingleMetricAsString(name));
      await nextTurn();
    }
    return `${texts.join('\n\n')}\n`;
  }

  #takeOver({ version, queue, devices, pools, vms }: MediatorSnapshot): void {
    const { buildInfo, requests, queueDepth, oldestAge, deviceUp, poolUp, ...counters } =
      this.#metrics;
    const { deviceBusy, deviceResets, vmDevice, claimsOverridden } = counters;
    buildInfo.set({ version, node: process.version }, 1);
    for (const { pool, priority, queued } of queue.depths) {
      queueDepth.set({ pool, priority: priorityName(priority) }, queued);
    }
    for (const { priority, ageMs } of queue.oldest) {
      oldestAge.set({ priority: priorityName(priority) }, (ageMs ?? 0) / 1000);
    }
    for (const { pool, isServed } of pools) poolUp.set({ pool }, isServed ? 1 : 0);
    // These are counted elsewhere; a counter can be told no more than what to add.
    for (const counter of [deviceBusy, deviceResets, vmDevice, claimsOverridden]) counter.reset();
    for (const { busyMs, faults, ...device } of devices) {
      const label = { device: device.device ?? device.executor };
      deviceUp.set(label, canServe(device) ? 1 : 0);
      deviceBusy.inc(label, busyMs / 1000);
      deviceResets.inc(faults);
    }
    for (const { vm, registered, pool, priority, deviceMs, ...totals } of vms) {
      vmDevice.inc({ vm }, deviceMs / 1000);
      claimsOverridden.inc({ vm }, totals.claimsOverridden);
      if (!registered || pool === null || priority === null) continue;
      // A rate needs something to begin with.
      requests.inc({ vm, pool, priority: priorityName(priority), outcome: 'ok' }, 0);
    }
  }
}
