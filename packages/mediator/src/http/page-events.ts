import type { DeviceFault } from '../devices/execution.js';
import type { DeviceSnapshot, MediatorOverview, VmSnapshot } from '../telemetry/snapshot.js';
import type { FinishedRequest } from '../telemetry/finished-request.js';

/** The event `sample` of the stream, each second: what the queue held at a time, milliseconds since the epoch. */
export interface QueueSample {
  readonly atMs: number;
  /** By priority, highest first. */
  readonly queued: readonly number[];
}

/** The event `now` of the stream, each second, or less often if there are very many VMs. */
export interface Now {
  readonly atMs: number;
  readonly mediator: MediatorOverview;
  readonly vms: ShownVms;
  /** Latest first. */
  readonly requests: readonly FinishedAt[];
  /** Latest first. */
  readonly troubles: readonly Trouble[];
}

/** The VMs, or the busiest of them where they are more than can be shown. */
export interface ShownVms {
  /** How many there are, and how many of them are registered. */
  readonly known: number;
  readonly registered: number;
  /** Most requests in the queue first, then most requests since the start. */
  readonly shown: readonly VmSnapshot[];
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
