import type { Answer } from '@vgpu/protocol';
import type { VectorAdder } from '@vgpu/cuda-binding';
import { answerText } from './answer-text.js';
import type { Job } from './job.js';
import type { Logger } from './logger.js';
import { MAX_TIMER_MS } from './time.js';

/** How long a device that could not be opened anew is left alone (milliseconds). */
const REOPEN_AFTER_MS = 5000;

export interface ExecutorOptions {
  readonly index: number;
  /** Opens the device; called again after it hung. */
  readonly open: () => Promise<VectorAdder>;
  /** An operation that takes longer (milliseconds) is taken for a hung device. */
  readonly execLimitMs: () => number;
  readonly logger: Logger;
  /** Called when the device has become able to take a job other than by finishing one. */
  readonly onReady: () => void;
}

/** What came of a job on the device. */
export interface Execution {
  readonly answer: Answer;
  /** Milliseconds. */
  readonly execMs: number;
}

/**
 * One device, one operation at a time.
 *
 * States: `closed` until opened; `idle`; `busy` from `run` to its answer; `closed` again when an
 * operation exceeded the limit, until the device could be opened anew; `stopped` for good.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  #adder: VectorAdder | undefined;
  #state: 'closed' | 'idle' | 'busy' | 'stopped' = 'closed';
  #reopening: NodeJS.Timeout | undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  get isBusy(): boolean {
    return this.#state === 'busy';
  }

  /** @throws DeviceError if the device cannot be opened. */
  async open(): Promise<void> {
    const { index, logger } = this.#options;
    const adder = await this.#options.open();
    if (this.#state === 'stopped') {
      await adder.close();
      return;
    }
    this.#adder = adder;
    this.#state = 'idle';
    logger.info('device ready', { ...adder.device, executor: index });
  }

  /** Runs a job. Never rejects: what goes wrong is the answer. */
  async run(job: Job): Promise<Execution> {
    const adder = this.#adder;
    if (adder === undefined || !this.isIdle) throw new Error('the device is not idle');
    this.#state = 'busy';
    const startedMs = performance.now();
    const answer = await this.#withinLimit(add(adder, job));
    if (this.isBusy) this.#state = 'idle';
    return { answer, execMs: performance.now() - startedMs };
  }

  /** Closes the device; waits for what it is doing unless that hangs. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#reopening);
    await this.#adder?.close();
  }

  #withinLimit(operation: Promise<Answer>): Promise<Answer> {
    const limitMs = Math.min(this.#options.execLimitMs(), MAX_TIMER_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#replace();
        resolve({ code: 'DEADLINE', text: `the device did not finish within ${limitMs} ms` });
      }, limitMs);
      void operation.then((answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  /** Lets a hung device go, which may never close, and opens it anew. */
  #replace(): void {
    const { index, logger } = this.#options;
    logger.error('the device hangs; opening it anew', { executor: index });
    this.#state = 'closed';
    this.#adder?.close().catch((error: unknown) => {
      logger.warn('the hung device did not close', { executor: index, error: messageOf(error) });
    });
    this.#adder = undefined;
    this.#reopen();
  }

  #reopen(): void {
    this.open().then(this.#options.onReady, (error: unknown) => {
      const { index, logger } = this.#options;
      logger.error('cannot open the device; trying again', {
        executor: index,
        error: messageOf(error),
        retryInMs: REOPEN_AFTER_MS,
      });
      this.#reopening = setTimeout(() => {
        this.#reopen();
      }, REOPEN_AFTER_MS);
    });
  }
}

async function add(adder: VectorAdder, { request: { a, b } }: Job): Promise<Answer> {
  try {
    const [x, y] = [a[0], b[0]];
    return a.length === 1 && x !== undefined && y !== undefined
      ? { sum: Int32Array.of(await adder.addScalar(x, y)) }
      : { sum: await adder.add(a, b) };
  } catch (error) {
    return { code: 'DEVICE_FAILED', text: answerText(messageOf(error)) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
