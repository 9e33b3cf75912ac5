import type { Pool, Priority } from '@vgpu/protocol';
import type { QueuedRequest } from './queued-request.js';

/** A place on a device that may take a request. */
export interface DeviceSlot {
  /** Whether it can take one now. */
  readonly isFree: boolean;
  /** The pools whose requests it takes. */
  readonly pools: readonly Pool[];
}

/** How many requests of a pool and priority are queued. */
export interface QueueDepth {
  /** The pool as which they are served. */
  readonly pool: Pool;
  /** Their priority, as it was when they arrived. */
  readonly priority: Priority;
  /** How many. */
  readonly queued: number;
}

/**
 * The one order of all requests: higher priority first, then earlier arrival, then order of discovery. It grants
 * a request to a slot by a callback, so that a store that decides at once costs nothing more, and one that has
 * to ask elsewhere first can do so.
 *
 * A request is *queued* by {@link admit} or {@link requeue}; *granted* by {@link offer}; then it is requeued, or
 * done with. A queued request leaves by {@link withdraw}, too.
 */
export interface QueueStore<Request extends QueuedRequest, Slot extends DeviceSlot> {
  /**
   * Adds requests that were discovered together; equals in arrival keep the order given here. Sets their `seq`.
   */
  admit(requests: readonly Request[]): void;

  /**
   * Grants the first request that it may take to each slot that is free, in the order of the slots.
   *
   * @param grant Called for each request, which has left the queue by then; the slot that has taken it says
   *   that it is free no more.
   */
  offer(slots: readonly Slot[], grant: (slot: Slot, request: Request) => void): void;

  /** Gives a granted request its place again, also among equals in arrival. */
  requeue(request: Request): void;

  /** @returns false if the request is not queued any more: it is granted, or it has left. */
  withdraw(request: Request): boolean;

  readonly size: number;
  /** Whether so much is queued that more would only fill memory. */
  readonly isOverloaded: boolean;
  /** Highest priority first; also those with nothing queued. */
  readonly depths: QueueDepth[];
  /** The queued request of a priority that arrived first. */
  oldest(priority: Priority): Request | undefined;
  /** All that is queued, in no order that counts; it must not change meanwhile. */
  [Symbol.iterator](): Iterator<Request>;
}
