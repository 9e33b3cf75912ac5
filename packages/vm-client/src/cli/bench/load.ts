import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Identity, Priority } from '@vgpu/protocol';
import { onAbort } from '../../abort-listeners.js';
import { type Operands, type Reply, VgpuClient } from '../../client.js';
import { VgpuError } from '../../errors.js';
import { type ArrivalProcess, arrivals } from './arrivals.js';
import { isSum, randomOperands } from './operands.js';
import { countedFrom, type Sample } from './sample.js';

/** When requests are sent: at a rate, independent of responses, or one for each response. */
export type Pace =
  { readonly perSecond: number; readonly arrivals: ArrivalProcess } | { readonly inFlight: number };

/**
 * The pause after an error, in milliseconds: requests that fail at once would leave no time to
 * others.
 */
const PAUSE_MS = 10;

/** The load to play. */
export interface LoadPlan {
  readonly root: string;
  /** The played VMs, each once. */
  readonly vms: readonly Identity[];
  readonly pace: Pace;
  /** How long requests are sent, in milliseconds; those in flight are then finished. */
  readonly durationMs: number;
  /** Elements of each vector. */
  readonly size: number;
  /** How long a request waits for its response, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** Is notified of each request. */
export interface LoadObserver {
  sent(priority: Priority): void;
  done(sample: Sample): void;
}

/**
 * Plays VMs that send requests, and checks every response. A failed request is not sent again.
 */
export class Load {
  readonly #plan: LoadPlan;
  readonly #observer: LoadObserver;
  readonly #players: readonly Player[];

  /** @throws VgpuError `INVALID_OPTION`. */
  constructor(plan: LoadPlan, observer: LoadObserver) {
    const { root, vms, timeoutMs } = plan;
    this.#plan = plan;
    this.#observer = observer;
    this.#players = vms.map((played) => ({
      ...played,
      client: new VgpuClient({ ...played, root, vmId: played.vm, timeoutMs }),
    }));
  }

  /**
   * Sends one request for each VM that is not counted: it opens the shares, and finds errors early.
   *
   * @throws VgpuError of the first request that fails.
   */
  async warmUp(signal: AbortSignal): Promise<void> {
    const operands = randomOperands(this.#plan.size);
    await Promise.all(this.#players.map(({ client }) => client.request(operands, { signal })));
  }

  /**
   * Plays to the end, or until the signal withdraws the requests in flight.
   *
   * @returns The duration in milliseconds.
   */
  async run(signal: AbortSignal): Promise<number> {
    const startMs = performance.now();
    await Promise.all(this.#players.map((player) => this.#play(player, startMs, signal)));
    return performance.now() - startMs;
  }

  async close(): Promise<void> {
    await Promise.all(this.#players.map(({ client }) => client.close()));
  }

  async #play(player: Player, startMs: number, signal: AbortSignal): Promise<void> {
    const { pace } = this.#plan;
    if ('inFlight' in pace) {
      const loops = Array.from({ length: pace.inFlight }, () =>
        this.#loop(player, startMs, signal),
      );
      await Promise.all(loops);
    } else {
      const due = arrivals(pace.arrivals, pace.perSecond);
      await this.#sendWhenDue(player, due, startMs, signal);
    }
  }

  async #loop(player: Player, startMs: number, signal: AbortSignal): Promise<void> {
    const endMs = startMs + this.#plan.durationMs;
    for (let now = startMs; now < endMs && !signal.aborted; now = performance.now()) {
      const error = await this.#request(player, now, signal);
      if (error !== undefined) await sleep(PAUSE_MS, signal);
    }
  }

  async #sendWhenDue(
    player: Player,
    due: Iterable<number>,
    startMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const underWay = new Set<Promise<unknown>>();
    for (const afterMs of due) {
      if (afterMs >= this.#plan.durationMs) break;
      await sleepUntil(startMs + afterMs, signal);
      if (signal.aborted) break;
      const request = this.#request(player, startMs + afterMs, signal);
      underWay.add(request);
      // An internal error stays, to be thrown at the end.
      request.then(
        () => underWay.delete(request),
        () => undefined,
      );
    }
    await Promise.all(underWay);
  }

  async #request(
    player: Player,
    dueMs: number,
    signal: AbortSignal,
  ): Promise<VgpuError | undefined> {
    const { vm, priority, client } = player;
    const operands = randomOperands(this.#plan.size);
    this.#observer.sent(priority);
    const sentMs = performance.now();
    const error = await client.request(operands, { signal }).then(refuseIfWrong(operands), ours);
    this.#observer.done({
      vm,
      priority,
      fromMs: countedFrom(dueMs, sentMs),
      untilMs: performance.now(),
      lateMs: sentMs - dueMs,
      error,
    });
    return error;
  }
}

/** A played VM. */
type Player = Identity & { readonly client: VgpuClient };

/** The error for a wrong response; undefined if it is right. */
const refuseIfWrong =
  (operands: Operands) =>
  ({ sum, slot }: Reply): VgpuError | undefined =>
    isSum(sum, operands)
      ? undefined
      : new VgpuError('BAD_RESPONSE', `slot ${slot}: the response is not the sum; report this`);

/** Rethrows internal errors. */
function ours(error: unknown): VgpuError {
  if (error instanceof VgpuError) return error;
  throw error;
}

/**
 * Returns early if the signal is aborted. Even if it is late, responses and signals are processed:
 * otherwise a load that cannot keep up would see none.
 */
async function sleepUntil(dueMs: number, signal: AbortSignal): Promise<void> {
  let ms = dueMs - performance.now();
  if (ms <= 0) await nextTurn();
  // A timer may fire within the millisecond before it is due.
  for (; ms > 0 && !signal.aborted; ms = dueMs - performance.now()) {
    await sleep(Math.ceil(ms), signal);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(wake, ms);
    const forget = onAbort(signal, wake);
  });
}
