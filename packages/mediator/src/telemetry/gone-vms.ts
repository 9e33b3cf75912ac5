import type { Events } from '../events.js';
import type { Statistics } from './statistics.js';

export interface GoneVmsOptions {
  /** Who has a directory. */
  readonly spool: { has(vm: number): boolean };
  /** Who is registered. */
  readonly registry: { get(vm: number): unknown };
  readonly statistics: Statistics;
  readonly events: Events;
}

/** Has VMs forgotten that are gone: what is kept must not grow with the number of VMs that there ever were. */
export class GoneVms {
  readonly #options: GoneVmsOptions;

  constructor(options: GoneVmsOptions) {
    this.#options = options;
  }

  /** To be called when a VM has lost its directory or its registration, or when a request has finished. */
  check(vm: number): void {
    const { spool, registry, statistics, events } = this.#options;
    if (spool.has(vm) || registry.get(vm) !== undefined) return;
    statistics.forget(vm);
    events.emit('vmGone', vm);
  }

  checkAll(): void {
    for (const vm of this.#options.statistics.vms.keys()) this.check(vm);
  }
}
