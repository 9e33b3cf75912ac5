import type { Events } from '../events.js';
import type { Statistics } from './statistics.js';

export interface GoneVmsOptions {
  /** The VMs with a directory. */
  readonly spool: { has(vm: number): boolean };
  /** The registered VMs. */
  readonly registry: { get(vm: number): unknown };
  readonly statistics: Statistics;
  readonly events: Events;
}

/**
 * Removes the data of VMs that are gone, so that memory does not grow with the number of all former
 * VMs.
 */
export class GoneVms {
  readonly #options: GoneVmsOptions;

  constructor(options: GoneVmsOptions) {
    this.#options = options;
  }

  /**
   * To be called when a VM has lost its directory or its registration, or when a request has
   * finished.
   */
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
