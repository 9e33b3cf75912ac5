import { EventEmitter } from 'node:events';
import type { DeviceFault } from './devices/execution.js';
import type { Job } from './scheduling/job.js';
import type { VmRequests } from './scheduling/request-source.js';
import type { DeviceSnapshot } from './telemetry/snapshot.js';
import type { FinishedRequest } from './telemetry/finished-request.js';

/** The events of a mediator: its parts, statistics and observers subscribe. */
export interface MediatorEvents {
  /** A VM has a request to read, or a device can take one. */
  work: [];
  /** A request has left its device, which is free again, and its response is on its way. */
  requestComputed: [job: Job];
  /** A request has left the mediator: served, rejected, withdrawn or undeliverable. */
  requestFinished: [request: FinishedRequest];
  /** A device was opened, or closed because of a fault. */
  deviceChanged: [device: DeviceSnapshot, fault?: DeviceFault];
  /** The set of working devices may have changed. */
  devicesChanged: [];
  /** A VM's directory has been removed or replaced: the jobs of these requests are void. */
  requestsGone: [requests: VmRequests];
  /** A VM no longer has a directory or a registration. */
  vmGone: [vm: number];
}

export class Events extends EventEmitter<MediatorEvents> {
  constructor() {
    super();
    // The number of observers is not limited.
    this.setMaxListeners(0);
  }
}
