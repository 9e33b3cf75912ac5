import type { DeviceFault } from '../devices/execution.js';
import type { DeviceSnapshot } from './snapshot.js';
import type { FinishedRequest } from './finished-request.js';

/**
 * Is told what happens in a mediator. It is called while requests are served: it has to be quick, and
 * must not throw.
 */
export interface MediatorObserver {
  /**
   * A request has left the mediator: answered, rejected, withdrawn or without a place to answer.
   *
   * @param request What came of it.
   */
  requestFinished?(request: FinishedRequest): void;
  /**
   * A VM is gone: it has no directory, and is not registered. Nothing is kept of it any more; a request of it
   * that is still on a device may finish, and is followed by another call.
   *
   * @param vm Its number.
   */
  vmGone?(vm: number): void;
  /**
   * A device was opened, at first or anew, or let go because of a fault.
   *
   * @param device As it is now.
   * @param fault Why it was let go; absent if it was opened.
   */
  deviceChanged?(device: DeviceSnapshot, fault?: DeviceFault): void;
}
