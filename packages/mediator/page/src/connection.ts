import type { Now, QueueSample } from '../../src/http/page-events.js';

export type ConnectionState = 'connecting' | 'live' | 'lost';

export interface ConnectionOptions {
  readonly onHistory: (samples: readonly QueueSample[]) => void;
  readonly onNow: (now: Now) => void;
  readonly onState: (state: ConnectionState) => void;
}

/** The mediator sends something every second, or less often if there are very many VMs. */
const SILENCE_MS = 8000;
const RETRY_MS = 1000;

/**
 * The stream of events from the mediator, which is opened anew whenever it ends or falls silent: the
 * browser itself gives up after some answers, and does not notice a network that is gone.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #source: EventSource | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    options.onState('connecting');
    this.#open();
  }

  #open(): void {
    const source = (this.#source = new EventSource('/events'));
    source.addEventListener('history', ({ data }: MessageEvent<string>) => {
      this.#options.onHistory(JSON.parse(data) as QueueSample[]);
    });
    source.addEventListener('now', ({ data }: MessageEvent<string>) => {
      this.#watch(SILENCE_MS);
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
    this.#watch(RETRY_MS, () => {
      void this.#reopen();
    });
  }

  async #reopen(): Promise<void> {
    // Whoever is not signed in any more is asked to.
    const answer = await fetch('/', { method: 'HEAD' }).catch(() => undefined);
    if (answer?.status === 401) location.reload();
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
