/** 2026, in milliseconds: a plausible time. */
const START_MS = 1_767_225_600_000;
const NS_PER_MS = 1_000_000;

interface Timer {
  readonly dueNs: number;
  readonly run: () => void;
}

/** Globals that are replaced while a history runs. */
const REPLACED = [
  'setTimeout',
  'clearTimeout',
  'setImmediate',
  'clearImmediate',
  'performance',
] as const;

const realNow = Date.now.bind(Date);
const realImmediate = setImmediate;
const real = REPLACED.map(
  (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name) ?? {}] as const,
);

/** Runs everything that waits only for promises. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}

/**
 * The clock of a simulated host, with the timers and the event loop of the process on it. Time
 * passes within system calls too, which jest's own fake timers cannot do without firing; nothing
 * runs before it is told to; and a process that is killed takes its timers with it.
 */
export class SimulatedClock {
  readonly #tickNs: number;
  #nowNs = 0;
  readonly #timers = new Set<Timer>();
  readonly #immediates = new Set<() => void>();

  /** @param tickNs How coarse the times of files are: 1 ns, or up to 10 ms before Linux 6.13. */
  constructor(tickNs: number) {
    this.#tickNs = tickNs;
  }

  /** Nanoseconds since the history began. */
  get nowNs(): number {
    return this.#nowNs;
  }

  /** As the kernel stamps a file now, nanoseconds since the epoch. */
  get fileTimeNs(): bigint {
    const sinceStart = Math.floor(this.#nowNs / this.#tickNs) * this.#tickNs;
    return BigInt(START_MS) * BigInt(NS_PER_MS) + BigInt(sinceStart);
  }

  get hasImmediates(): boolean {
    return this.#immediates.size > 0;
  }

  /** When the next timer is due; Infinity if there is none. */
  get nextDueNs(): number {
    return this.#next?.dueNs ?? Infinity;
  }

  pass(ns: number): void {
    this.#nowNs += Math.max(0, Math.ceil(ns));
  }

  runImmediates(): void {
    const due = [...this.#immediates];
    for (const run of due) {
      if (this.#immediates.delete(run)) run();
    }
  }

  /** Fires the timer that has been due longest. */
  runTimer(): void {
    const timer = this.#next;
    if (timer === undefined || timer.dueNs > this.#nowNs) return;
    this.#timers.delete(timer);
    timer.run();
  }

  /** The process is gone. */
  forget(): void {
    this.#timers.clear();
    this.#immediates.clear();
  }

  install(): void {
    const nowMs = () => this.#nowNs / NS_PER_MS;
    const fakes: Record<(typeof REPLACED)[number], unknown> = {
      setTimeout: (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
        const timer: Timer = {
          dueNs: this.#nowNs + Math.max(1, ms) * NS_PER_MS,
          run: () => {
            callback(...args);
          },
        };
        this.#timers.add(timer);
        return timer;
      },
      clearTimeout: (timer: Timer) => this.#timers.delete(timer),
      setImmediate: (callback: () => void) => {
        this.#immediates.add(callback);
        return callback;
      },
      clearImmediate: (callback: () => void) => this.#immediates.delete(callback),
      performance: { now: nowMs },
    };
    for (const name of REPLACED) {
      const value = fakes[name];
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    Date.now = () => START_MS + Math.floor(nowMs());
  }

  uninstall(): void {
    for (const [name, descriptor] of real) Object.defineProperty(globalThis, name, descriptor);
    Date.now = realNow;
  }

  get #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueNs < next.dueNs) next = timer;
    }
    return next;
  }
}
