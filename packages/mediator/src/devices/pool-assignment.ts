import { Pool } from '@vgpu/protocol';
import type { Executor } from './executor.js';
import type { Logger } from '../telemetry/logger.js';
import type { DeviceSlot } from '../scheduling/queue-store.js';
import type { PoolSnapshot } from '../telemetry/snapshot.js';

export interface PoolAssignmentOptions {
  readonly executors: readonly Executor[];
  /** The numbers of the devices that serve a pool; undefined: every device. */
  readonly registry: { poolDevices(pool: Pool): readonly number[] | undefined };
  readonly logger: Logger;
}

/** An executor, and the pools whose requests it takes. */
export class ExecutorSlot implements DeviceSlot {
  readonly executor: Executor;
  readonly pools: readonly Pool[];

  constructor(executor: Executor, pools: readonly Pool[]) {
    this.executor = executor;
    this.pools = pools;
  }

  get isFree(): boolean {
    return this.executor.isIdle;
  }
}

/** Which devices serve which pools, and which pools have no working device. */
export class PoolAssignment {
  readonly #options: PoolAssignmentOptions;
  #slots: readonly ExecutorSlot[] = [];
  /** Pools whose lack of a working device was logged. */
  readonly #unserved = new Set<Pool>();

  constructor(options: PoolAssignmentOptions) {
    this.#options = options;
    this.assign();
  }

  /** In the order in which idle devices choose: those that serve fewer pools first, leaving more to others. */
  get slots(): readonly ExecutorSlot[] {
    return this.#slots;
  }

  /** Whether the lack of a working device was logged for any pool. */
  get isAnyUnserved(): boolean {
    return this.#unserved.size > 0;
  }

  /** Must be called when a device was opened, since its number is known then, and when the registry was read. */
  assign(): void {
    this.#slots = this.#options.executors
      .map(
        (executor) =>
          new ExecutorSlot(
            executor,
            Pool.options.filter((pool) => this.#serves(executor, pool)),
          ),
      )
      .sort((a, b) => a.pools.length - b.pools.length);
  }

  /**
   * Logs, once, that a pool has no working device, and when it has one again. A pool that every device serves
   * is not logged: the log lines of the devices are enough.
   */
  report(): void {
    const { registry, logger } = this.#options;
    for (const pool of Pool.options) {
      const devices = registry.poolDevices(pool);
      if (devices === undefined || this.#isServed(pool)) {
        if (this.#unserved.delete(pool)) logger.info('a pool has a device again', { pool });
      } else if (!this.#unserved.has(pool)) {
        this.#unserved.add(pool);
        logger.warn('no device of a pool works; its requests wait', {
          pool,
          devices,
          remedy: `vgpu-mediator pool set ${pool} --devices <numbers, or all>`,
        });
      }
    }
  }

  snapshot(): PoolSnapshot[] {
    return Pool.options.map((pool) => ({
      pool,
      devices: this.#options.registry.poolDevices(pool) ?? null,
      isServed: this.#isServed(pool),
    }));
  }

  #isServed(pool: Pool): boolean {
    return this.#options.executors.some(
      (executor) => executor.isInService && this.#serves(executor, pool),
    );
  }

  #serves({ device }: Executor, pool: Pool): boolean {
    const devices = this.#options.registry.poolDevices(pool);
    return devices === undefined || (device !== undefined && devices.includes(device));
  }
}
