import type { Pool, Priority } from '@vgpu/protocol';
import type { QueuedRequest } from './queued-request.js';

/** A place on a device that may take a request. */
export interface DeviceSlot {
  /** Whether it can take one now. */
  readonly isFree: boolean;
  /** The pools whose requests it takes. */
  readonly pools: readonly Pool[];
}

/** The number of queued requests of a pool and priority. */
export interface QueueDepth {
  /** The pool in which they are served. */
  readonly pool: Pool;
  /** Their priority, without aging. */
  readonly priority: Priority;
  /** Number of requests. */
  readonly queued: number;
}

/**
 * The one order of all requests: higher priority first, then earlier arrival, then order of discovery. It grants
 * a request to a slot by a callback, so that a store that decides at once has no overhead, and one that has to
 * ask another process first can do so.
 *
 * A request is *queued* by {@link admit} or {@link requeue}, and *granted* by {@link offer}. A granted request
 * is requeued, or has left. A queued request also leaves by {@link withdraw}.
 */
export interface QueueStore<Request extends QueuedRequest, Slot extends DeviceSlot> {
  /**
   * Adds requests that were discovered together; those of equal arrival keep the given order. Sets their `seq`.
   */
  admit(requests: readonly Request[]): void;

  /**
   * Grants each free slot, in the order of the slots, the first request that it may take.
   *
   * @param grant Called for each granted request, which has left the queue by then; afterwards the slot's
   *   `isFree` must be false once it has taken its last request.
   */
  offer(slots: readonly Slot[], grant: (slot: Slot, request: Request) => void): void;

  /** Returns a granted request to its former place, also among requests of equal arrival. */
  requeue(request: Request): void;

  /** @returns false if the request is no longer queued: it is granted, or it has left. */
  withdraw(request: Request): boolean;

  readonly size: number;
  /** Whether more requests would only fill memory. */
  readonly isOverloaded: boolean;
  /** Highest priority first; includes pools and priorities without queued requests. */
  readonly depths: QueueDepth[];
  /** The queued request of a priority that arrived first. */
  oldest(priority: Priority): Request | undefined;
  /** All queued requests, in no particular order; the queue must not change during the iteration. */
  [Symbol.iterator](): Iterator<Request>;
}
