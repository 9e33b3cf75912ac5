import type { DeviceFault } from '../devices/execution.js';
import type { DeviceSnapshot, MediatorOverview, VmSnapshot } from '../telemetry/snapshot.js';
import type { FinishedRequest } from '../telemetry/finished-request.js';

/**
 * The event `sample` of the stream, each second: the queue at a time, in milliseconds since the
 * epoch.
 */
export interface QueueSample {
  readonly atMs: number;
  /** By priority, highest first. */
  readonly queued: readonly number[];
}

/** The event `now` of the stream: a snapshot each second, or less often if there are very many VMs. */
export interface Now {
  readonly atMs: number;
  readonly mediator: MediatorOverview;
  readonly vms: ShownVms;
  /** Latest first. */
  readonly requests: readonly FinishedAt[];
  /** Latest first. */
  readonly errors: readonly ErrorEvent[];
}

/** The VMs, or the busiest of them if there are too many to show. */
export interface ShownVms {
  /** How many there are, and how many of them are registered. */
  readonly known: number;
  readonly registered: number;
  /** Most requests in the queue first, then most requests since the start. */
  readonly shown: readonly VmSnapshot[];
}

/** A finished request and its time, in milliseconds since the epoch. */
export interface FinishedAt {
  readonly atMs: number;
  readonly request: FinishedRequest;
}

/** An error of a request or of a device. */
export type ErrorEvent =
  | FinishedAt
  | { readonly atMs: number; readonly device: DeviceSnapshot; readonly fault: DeviceFault };
