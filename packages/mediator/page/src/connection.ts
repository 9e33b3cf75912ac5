import type { Now, QueueSample } from '../../src/http/page-events.js';

export type ConnectionState = 'connecting' | 'live' | 'lost';

export interface ConnectionOptions {
  readonly onHistory: (samples: readonly QueueSample[]) => void;
  readonly onSample: (sample: QueueSample) => void;
  readonly onNow: (now: Now) => void;
  readonly onState: (state: ConnectionState) => void;
}

/** The mediator sends something every second. */
const SILENCE_MS = 8000;
/** Doubled with each attempt that fails: a mediator that can't keep up has less to do then. */
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 16_000;

/**
 * The stream of events from the mediator, which is opened again whenever it ends or falls silent: the
 * browser itself gives up after some responses, and does not notice a network that is gone.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #source: EventSource | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #retryMs = MIN_RETRY_MS;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    options.onState('connecting');
    this.#open();
  }

  #open(): void {
    const source = (this.#source = new EventSource('events'));
    source.addEventListener('history', ({ data }: MessageEvent<string>) => {
      this.#options.onHistory(JSON.parse(data) as QueueSample[]);
    });
    source.addEventListener('sample', ({ data }: MessageEvent<string>) => {
      this.#watch(SILENCE_MS);
      this.#options.onSample(JSON.parse(data) as QueueSample);
    });
    source.addEventListener('now', ({ data }: MessageEvent<string>) => {
      this.#watch(SILENCE_MS);
      this.#retryMs = MIN_RETRY_MS;
      this.#options.onState('live');
      this.#options.onNow(JSON.parse(data) as Now);
    });
    source.addEventListener('error', () => {
      this.#lose();
    });
    this.#watch(SILENCE_MS);
  }

  #lose(): void {
    this.#options.onState('lost');
    this.#source?.close();
    this.#watch(this.#retryMs, () => {
      void this.#reopen();
    });
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  async #reopen(): Promise<void> {
    // A browser that is not signed in any more is asked to.
    const response = await fetch('./', { method: 'HEAD' }).catch(() => undefined);
    if (response?.status === 401) location.reload();
    else this.#open();
  }

  #watch(
    ms: number,
    then = () => {
      this.#lose();
    },
  ): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(then, ms);
  }
}
