import type { DeviceFault } from '../devices/execution.js';
import type { DeviceSnapshot } from './snapshot.js';
import type { FinishedRequest } from './finished-request.js';

/**
 * Is notified of events in a mediator. Its methods are called while requests are served: they have
 * to be quick, and must not throw.
 */
export interface MediatorObserver {
  /**
   * A request has left the mediator: served, rejected, withdrawn or without a place for its response.
   *
   * @param request The request and its outcome.
   */
  requestFinished?(request: FinishedRequest): void;
  /**
   * A VM is gone: it has no directory, and is not registered. Its data is removed. If a request of
   * the VM is still on a device, its end is followed by another call.
   *
   * @param vm Its number.
   */
  vmGone?(vm: number): void;
  /**
   * A device was opened or reopened, or closed because of a fault.
   *
   * @param device Its current state.
   * @param fault Why it was closed; absent if it was opened.
   */
  deviceChanged?(device: DeviceSnapshot, fault?: DeviceFault): void;
}
