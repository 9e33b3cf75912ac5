import type { Device, DeviceInfo } from '@vgpu/cuda-binding';
import { execute, hungExecution, type DeviceFault, type Execution } from './execution.js';
import type { Events } from '../events.js';
import type { QueuedRequest } from '../scheduling/queued-request.js';
import type { Logger } from '../telemetry/logger.js';
import { messageOf } from '../message-of.js';
import type { MediatorSettings } from '../settings.js';
import { settledWithin } from '../time.js';
import type { DeviceSnapshot } from '../telemetry/snapshot.js';

/** Delay before a device that could not be opened, or is out of service, is reopened (milliseconds). */
const REOPEN_AFTER_MS = 5000;
/** This many faults without a success in between put a device out of service. */
const MAX_FAULTS_IN_A_ROW = 3;
/** A device that takes longer to close, or to end its opening before that, is abandoned (milliseconds). */
const CLOSE_LIMIT_MS = 2000;

export interface ExecutorOptions {
  readonly index: number;
  /** The device's own number, if it is known before the device is opened. */
  readonly device?: number | undefined;
  /** Opens the device; called again after a fault. */
  readonly open: () => Promise<Device>;
  readonly settings: Pick<MediatorSettings, 'execLimitMs'>;
  readonly logger: Logger;
  /**
   * Receives `deviceChanged`, and `devicesChanged` when the device has been reopened or waits to be reopened.
   */
  readonly events: Events;
}

/**
 * One device, one operation at a time.
 *
 * States: `closed` until opened; `idle`; `busy` from `run` to its result; `closed` again after a
 * fault, until the device has been reopened; `stopped` for good.
 *
 * A device with a fault is closed and reopened at once. After repeated faults without a success it is
 * out of service, and retried at intervals: a successful opening proves little, so its next job is the test.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  #opened: Device | undefined;
  #state: 'closed' | 'idle' | 'busy' | 'stopped' = 'closed';
  /** The last opening, which may be under way. */
  #opening: Promise<void> | undefined;
  #reopening: NodeJS.Timeout | undefined;
  #awaitsReopening = false;
  #faults = 0;
  #faultsSinceSuccess = 0;
  #info: DeviceInfo | undefined;
  #jobs = 0;
  /** Milliseconds of the jobs that have ended. */
  #busyMs = 0;
  #startedMs = 0;
  /** Undefined unless the device is being opened. */
  #openedSinceMs: number | undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  get isBusy(): boolean {
    return this.#state === 'busy';
  }

  /** The device's own number, if it is known. */
  get device(): number | undefined {
    return this.#info?.index ?? this.#options.device;
  }

  /** Whether the device works: true also while it is reopened at once, but not while it is out of service. */
  get isInService(): boolean {
    const isOpened = this.#info !== undefined && this.#state !== 'stopped';
    return isOpened && !this.#awaitsReopening && !this.#isOutOfService;
  }

  snapshot(): DeviceSnapshot {
    const { backend = null, name = null } = this.#info ?? {};
    const isOut = this.#state === 'closed' && this.#isOutOfService;
    return {
      executor: this.#options.index,
      device: this.device ?? null,
      backend,
      name,
      state: isOut ? 'out-of-service' : this.#state,
      busyMs: this.#busyMs + (this.isBusy ? performance.now() - this.#startedMs : 0),
      jobs: this.#jobs,
      faults: this.#faults,
    };
  }

  /**
   * Whether one operation, or the opening, has exceeded the execution limit by this margin in milliseconds:
   * then reopening has not helped.
   */
  isStuck(marginMs: number): boolean {
    const sinceMs = this.isBusy ? this.#startedMs : this.#openedSinceMs;
    if (sinceMs === undefined) return false;
    return performance.now() - sinceMs > this.#options.settings.execLimitMs + marginMs;
  }

  /** @throws DeviceError if the device cannot be opened. */
  open(): Promise<void> {
    this.#openedSinceMs = performance.now();
    return (this.#opening = this.#open().finally(() => {
      this.#openedSinceMs = undefined;
    }));
  }

  /** Retries later to open a device that could not be opened. */
  openLater(error: unknown): void {
    if (this.#state === 'stopped') return;
    const { logger } = this.#options;
    logger.error('cannot open the device; trying again', {
      ...this.#fields(),
      error: messageOf(error),
      retryInMs: REOPEN_AFTER_MS,
    });
    this.#reopenLater();
  }

  /** Runs a job. Never rejects because of the device: its error becomes the response. */
  async run(job: QueuedRequest): Promise<Execution> {
    const opened = this.#opened;
    if (opened === undefined || !this.isIdle) throw new Error('the device is not idle');
    this.#state = 'busy';
    this.#jobs += 1;
    this.#startedMs = performance.now();
    const limitMs = this.#options.settings.execLimitMs;
    const operation = execute(opened, job.call);
    // A late result of a hung device is dropped: the job has its response by then.
    const isOver = await settledWithin(limitMs, operation);
    const execution = isOver ? await operation : hungExecution(limitMs);
    this.#busyMs += performance.now() - this.#startedMs;
    if ('sum' in execution.answer) this.#faultsSinceSuccess = 0;
    if (!this.isBusy) return execution;
    if (execution.fault === undefined) this.#state = 'idle';
    else void this.#replace(opened, execution.fault);
    return execution;
  }

  /**
   * Closes the device, also while it is being opened. A device that takes longer than two seconds is
   * abandoned, and the close after a fault is not waited for.
   */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#reopening);
    const closing = Promise.allSettled([this.#opening, this.#opened?.close()]);
    if (await settledWithin(CLOSE_LIMIT_MS, closing)) return;
    const { index, logger } = this.#options;
    logger.warn('the device does not close; leaving it behind', { executor: index });
  }

  async #open(): Promise<void> {
    const { index, logger } = this.#options;
    const opened = await this.#options.open();
    if (this.#state === 'stopped') {
      await opened.close();
      return;
    }
    this.#opened = opened;
    this.#info = opened.info;
    this.#awaitsReopening = false;
    this.#state = 'idle';
    logger.info('device ready', { ...opened.info, executor: index });
    this.#options.events.emit('deviceChanged', this.snapshot());
  }

  get #isOutOfService(): boolean {
    return this.#faultsSinceSuccess >= MAX_FAULTS_IN_A_ROW;
  }

  #fields() {
    const { index } = this.#options;
    return { executor: index, ...(this.device !== undefined && { device: this.device }) };
  }

  /** Closes a device with a fault, and reopens it, at once or later. */
  async #replace(opened: Device, fault: DeviceFault): Promise<void> {
    const { index, logger, events } = this.#options;
    const { kind, message } = fault;
    this.#state = 'closed';
    this.#opened = undefined;
    this.#faults += 1;
    this.#faultsSinceSuccess += 1;
    events.emit('deviceChanged', this.snapshot(), fault);
    const closing = opened.close().catch((error: unknown) => {
      logger.warn(`the ${kind} device did not close`, { executor: index, error: messageOf(error) });
    });
    const fields = { ...this.#fields(), error: message, faults: this.#faultsSinceSuccess };
    if (this.#isOutOfService) {
      const retryInMs = REOPEN_AFTER_MS;
      logger.error('the device is out of service; trying it again', { ...fields, retryInMs });
      this.#reopenLater();
      return;
    }
    logger.error(`the device ${kind === 'hung' ? 'hangs' : 'is lost'}; reopening it`, fields);
    // Remains of a lost device might disturb the new one. A hung device may never close.
    if (kind === 'lost') await settledWithin(CLOSE_LIMIT_MS, closing);
    this.#reopen();
  }

  #reopen(): void {
    if (this.#state === 'stopped') return;
    this.open().then(
      () => {
        this.#options.events.emit('devicesChanged');
      },
      (error: unknown) => {
        this.openLater(error);
      },
    );
  }

  #reopenLater(): void {
    if (this.#state === 'stopped') return;
    this.#awaitsReopening = true;
    this.#options.events.emit('devicesChanged');
    this.#reopening = setTimeout(() => {
      this.#reopen();
    }, REOPEN_AFTER_MS);
  }
}
