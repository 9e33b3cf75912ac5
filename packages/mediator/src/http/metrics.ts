import { setImmediate as nextTurn } from 'node:timers/promises';
import { priorityName } from '@vgpu/protocol';
import type * as Prom from 'prom-client';
import type { Mediator } from '../mediator.js';
import type { MediatorObserver } from '../telemetry/observer.js';
import type { MediatorOverview, VmOverview } from '../telemetry/snapshot.js';
import type { FinishedRequest } from '../telemetry/finished-request.js';
import { visitInTurns } from './shared-work.js';
import { canServe } from './readiness.js';
import { defineMetrics } from './metric-definitions.js';
import { VmMetricText, type VmMetric } from './vm-metric-text.js';

/** The pool and priority of requests whose lines could not be read. */
const UNKNOWN = 'unknown';

/**
 * The metrics for Prometheus: counts requests as they finish, and gathers the other values at each
 * scrape.
 */
export class Metrics implements MediatorObserver {
  readonly contentType: string;
  readonly #registry: Prom.Registry;
  readonly #metrics: ReturnType<typeof defineMetrics>;
  /** Counts by VM and by labels, in the text format. */
  readonly #requests = new Map<number, Map<string, number>>();
  /**
   * Written here, since Prometheus' client would write them all at once, which takes long with many
   * VMs.
   */
  readonly #vmMetrics: readonly VmMetric[] = [
    {
      name: 'vgpu_requests_total',
      help: 'Finished requests by outcome: OK, an error code, WITHDRAWN or UNDELIVERABLE.',
      seriesOf: (vm) => this.#requestsOf(vm),
    },
    {
      name: 'vgpu_vm_device_seconds_total',
      help: "Time of a VM's requests on devices.",
      seriesOf: ({ deviceMs }) => [['', deviceMs / 1000]],
    },
    {
      name: 'vgpu_claims_overridden_total',
      help: 'Requests that claimed another pool or priority than the registry gives their VM.',
      seriesOf: ({ claimsOverridden }) => [['', claimsOverridden]],
    },
  ];

  private constructor(prom: typeof Prom) {
    this.#registry = new prom.Registry();
    this.#metrics = defineMetrics(prom, this.#registry);
    this.contentType = this.#registry.contentType;
  }

  static async create(): Promise<Metrics> {
    // In the bundle it is a file of its own, loaded only with --http.
    return new Metrics(await import('prom-client'));
  }

  requestFinished(request: FinishedRequest): void {
    const { vm, pool = UNKNOWN, priority, outcome, waitMs, execMs, durationMs, device } = request;
    const { allRequests, wait, duration, execution } = this.#metrics;
    const level = priority === undefined ? UNKNOWN : priorityName(priority);
    allRequests.inc({ pool, priority: level, outcome });
    const ofVm = this.#requests.get(vm) ?? new Map<string, number>();
    this.#requests.set(vm, ofVm);
    const labels = requestLabels(pool, level, outcome);
    ofVm.set(labels, (ofVm.get(labels) ?? 0) + 1);
    if (waitMs !== undefined) wait.observe(waitMs / 1000);
    if (durationMs !== undefined) duration.observe(durationMs / 1000);
    if (execMs !== undefined && device !== undefined) execution.observe({ device }, execMs / 1000);
  }

  vmGone(vm: number): void {
    this.#requests.delete(vm);
  }

  /** The exposition, in parts. It is written in small steps, so that requests are served in between. */
  async exposition(mediator: Pick<Mediator, 'overview' | 'vms'>): Promise<readonly Buffer[]> {
    this.#update(mediator.overview());
    const texts: string[] = [];
    for (const { name } of this.#registry.getMetricsAsArray()) {
      texts.push(await this.#registry.getSingleMetricAsString(name), '\n\n');
      await nextTurn();
    }
    const ofVms = this.#vmMetrics.map((metric) => new VmMetricText(metric));
    await visitInTurns(mediator.vms(), (vm) => {
      for (const text of ofVms) text.add(vm);
    });
    return [Buffer.from(texts.join('')), ...ofVms.flatMap((text) => text.bytes())];
  }

  *#requestsOf({ vm, registered, pool, priority }: VmOverview): Iterable<[string, number]> {
    const counts = this.#requests.get(vm);
    if (counts !== undefined) yield* counts;
    if (!registered || pool === null || priority === null) return;
    // A rate needs an initial value.
    const served = requestLabels(pool, priorityName(priority), 'OK');
    if (counts?.has(served) !== true) yield [served, 0];
  }

  #update({ version, queue, devices, pools }: MediatorOverview): void {
    const { buildInfo, queueDepth, oldestAge, deviceUp, poolUp, ...counters } = this.#metrics;
    const { deviceBusy, deviceResets } = counters;
    buildInfo.set({ version, node: process.version }, 1);
    for (const { pool, priority, queued } of queue.depths) {
      queueDepth.set({ pool, priority: priorityName(priority) }, queued);
    }
    for (const { priority, ageMs } of queue.oldest) {
      oldestAge.set({ priority: priorityName(priority) }, (ageMs ?? 0) / 1000);
    }
    for (const { pool, isServed } of pools) poolUp.set({ pool }, isServed ? 1 : 0);
    // These are counted elsewhere; a counter can only be increased.
    for (const counter of [deviceBusy, deviceResets]) counter.reset();
    for (const { busyMs, faults, ...device } of devices) {
      const label = { device: device.device ?? device.executor };
      deviceUp.set(label, canServe(device) ? 1 : 0);
      deviceBusy.inc(label, busyMs / 1000);
      deviceResets.inc(faults);
    }
  }
}

/** Labels of a series in the text format, after that of the VM. */
function requestLabels(pool: string, priority: string, outcome: string): string {
  return `,pool="${pool}",priority="${priority}",outcome="${outcome}"`;
}
