import { EventEmitter } from 'node:events';
import type { DeviceFault } from './devices/execution.js';
import type { Job } from './scheduling/job.js';
import type { VmRequests } from './scheduling/request-source.js';
import type { DeviceSnapshot } from './telemetry/snapshot.js';
import type { FinishedRequest } from './telemetry/finished-request.js';

/** What happens in a mediator: its parts, statistics and observers subscribe. */
export interface MediatorEvents {
  /** A VM has something to read, or a device can take a request. */
  work: [];
  /** A request has left its device, which is free again, and its response is on its way. */
  requestComputed: [job: Job];
  /** A request has left the mediator: served, rejected, withdrawn or without a place to answer. */
  requestFinished: [request: FinishedRequest];
  /** A device was opened, or let go because of a fault. */
  deviceChanged: [device: DeviceSnapshot, fault?: DeviceFault];
  /** Which devices work has changed otherwise than by one request. */
  devicesChanged: [];
  /** A VM's directory has been removed or replaced: the jobs of these requests are void. */
  requestsGone: [requests: VmRequests];
  /** A VM has neither a directory nor a registration any more. */
  vmGone: [vm: number];
}

export class Events extends EventEmitter<MediatorEvents> {
  constructor() {
    super();
    // There may be as many observers as a program wants.
    this.setMaxListeners(0);
  }
}
