import type { OperationCall } from '@vgpu/cuda-binding';
import type { Pool, Priority } from '@vgpu/protocol';
import type { Handle } from '@vgpu/queue';

/** What a request line said of its pool and priority, where the registry says something else. */
export interface Claim {
  readonly pool: Pool;
  readonly priority: Priority;
}

/** A request from its admission to its response: plain data, which any process may hold. */
export interface QueuedRequest {
  /** The number of the VM that asks. */
  readonly vm: number;
  /** As which it is served. */
  readonly pool: Pool;
  readonly priority: Priority;
  /** What is to be computed. */
  readonly call: OperationCall;
  /** A named slot's id; `.`, which no id can be, for the plain slot. */
  readonly slot: string;
  /** What the line said instead, where the registry decided. */
  readonly claim?: Claim | undefined;
  /** Nanoseconds since the epoch, by the host's clock: what decides among equals. */
  readonly arrivalNs: bigint;
  /** When it was admitted (milliseconds on the monotonic clock). */
  readonly admittedMs: number;
  /** From its admission to the device, milliseconds; once it is there. */
  waitMs?: number;
  /** The number of the device it was given to last. */
  device?: number | undefined;
  /** Its number in the order of arrival; the queue gives it. */
  seq?: number;
  /** Its place, as long as it is queued; the queue's own. */
  handle?: Handle | undefined;
  /** How often a device was lost while it computed this. */
  deviceFaults?: number;
}

/** What the log says of a request. */
export function describe({ vm, slot, pool, priority, claim, seq }: QueuedRequest) {
  return {
    vm,
    slot,
    pool,
    priority,
    ...(claim && { claimedPool: claim.pool, claimedPriority: claim.priority }),
    seq,
  };
}
