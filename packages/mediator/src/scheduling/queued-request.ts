import type { OperationCall } from '@vgpu/cuda-binding';
import type { Pool, Priority } from '@vgpu/protocol';
import type { Handle } from '@vgpu/queue';

/** The pool and priority in a request line, if the registry overrides them. */
export interface Claim {
  readonly pool: Pool;
  readonly priority: Priority;
}

/** A request from its admission to its response: plain data, which any process may hold. */
export interface QueuedRequest {
  /** The number of the requesting VM. */
  readonly vm: number;
  /** The pool in which it is served. */
  readonly pool: Pool;
  readonly priority: Priority;
  /** The operation to compute. */
  readonly call: OperationCall;
  /** A named slot's id; `.`, which no id can be, for the plain slot. */
  readonly slot: string;
  /** The pool and priority of the line, if the registry overrode them. */
  readonly claim?: Claim | undefined;
  /** Nanoseconds since the epoch, by the host's clock: decides among requests of equal priority. */
  readonly arrivalNs: bigint;
  /** When it was admitted (milliseconds on the monotonic clock). */
  readonly admittedMs: number;
  /** Milliseconds from its admission to the device; set once it is there. */
  waitMs?: number;
  /** The number of the last device it was given to. */
  device?: number | undefined;
  /** Its number in the order of arrival; the queue sets it. */
  seq?: number;
  /** Its place while it is queued; only the queue uses it. */
  handle?: Handle | undefined;
  /** Number of devices that were lost while they computed it. */
  deviceFaults?: number;
}

/** A request's fields in the log. */
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
