import type { DeviceFault } from '../execution.js';
import type { DeviceSnapshot, MediatorSnapshot } from '../snapshot.js';
import type { FinishedRequest } from '../statistics.js';

/** What the queue held at a time, milliseconds since the epoch. */
export interface QueueSample {
  readonly atMs: number;
  /** By priority, highest first. */
  readonly queued: readonly number[];
}

/** The event `now` of the stream. */
export interface Now {
  readonly atMs: number;
  readonly mediator: MediatorSnapshot;
  /** Latest first. */
  readonly requests: readonly FinishedAt[];
  /** Latest first. */
  readonly troubles: readonly Trouble[];
}

/** A request and when it left, milliseconds since the epoch. */
export interface FinishedAt {
  readonly atMs: number;
  readonly request: FinishedRequest;
}

/** What went wrong, with a request or with a device. */
export type Trouble =
  | FinishedAt
  | { readonly atMs: number; readonly device: DeviceSnapshot; readonly fault: DeviceFault };
