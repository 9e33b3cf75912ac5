import type { DeviceFault } from '../devices/execution.js';
import type { DeviceSnapshot } from '../telemetry/snapshot.js';
import type { MediatorObserver } from '../telemetry/observer.js';
import type { FinishedRequest } from '../telemetry/finished-request.js';
import type { FinishedAt, Trouble } from './page-events.js';
import { Ring } from './ring.js';

const MAX_KEPT = 50;

/** Keeps the latest requests and the latest errors. */
export class Latest implements MediatorObserver {
  readonly #requests = new Ring<FinishedAt>(MAX_KEPT);
  readonly #troubles = new Ring<Trouble>(MAX_KEPT);

  requestFinished(request: FinishedRequest): void {
    const finished = { atMs: Date.now(), request };
    this.#requests.push(finished);
    const { outcome } = request;
    if (outcome !== 'ok' && outcome !== 'WITHDRAWN') this.#troubles.push(finished);
  }

  deviceChanged(device: DeviceSnapshot, fault?: DeviceFault): void {
    if (fault !== undefined) this.#troubles.push({ atMs: Date.now(), device, fault });
  }

  /** Latest first. */
  get requests(): FinishedAt[] {
    return this.#requests.latestFirst();
  }

  /** Latest first. */
  get troubles(): Trouble[] {
    return this.#troubles.latestFirst();
  }
}
