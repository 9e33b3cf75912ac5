import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Identity, Priority } from '@vgpu/protocol';
import { onAbort } from '../../abort-listeners.js';
import { type Operands, type Reply, VgpuClient } from '../../client.js';
import { VgpuError } from '../../errors.js';
import { type ArrivalProcess, arrivals } from './arrivals.js';
import { isSum, randomOperands } from './operands.js';
import { countedFrom, type Sample } from './sample.js';

/** When requests are sent: at a rate, whatever becomes of them, or one for each answer. */
export type Pace =
  { readonly perSecond: number; readonly arrivals: ArrivalProcess } | { readonly inFlight: number };

/** After an error the next request waits, in milliseconds: what fails at once would leave no time to others. */
const PAUSE_MS = 10;

/** What to play. */
export interface LoadPlan {
  readonly root: string;
  /** Who is played, each VM once. */
  readonly vms: readonly Identity[];
  readonly pace: Pace;
  /** Requests are sent for so long, in milliseconds; then what is under way is waited for. */
  readonly durationMs: number;
  /** Elements of each vector. */
  readonly size: number;
  /** How long a request waits for its answer, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** Who hears what becomes of requests. */
export interface LoadObserver {
  sent(priority: Priority): void;
  done(sample: Sample): void;
}

/**
 * Plays VMs that send requests, and checks every answer. A request that fails is not sent again.
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
   * Sends one request for each VM, whose time does not count: opens what has to be open, and finds
   * out what can't work.
   *
   * @throws VgpuError of the first one that fails.
   */
  async warmUp(signal: AbortSignal): Promise<void> {
    const operands = randomOperands(this.#plan.size);
    await Promise.all(this.#players.map(({ client }) => client.request(operands, { signal })));
  }

  /**
   * Plays to the end, or until the signal withdraws what is under way.
   *
   * @returns How long it took, in milliseconds.
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
      // One that fails by a defect stays, to be thrown at the end.
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

/** A VM that is played. */
type Player = Identity & { readonly client: VgpuClient };

/** What is wrong with an answer. */
const refuseIfWrong =
  (operands: Operands) =>
  ({ sum, slot }: Reply): VgpuError | undefined =>
    isSum(sum, operands)
      ? undefined
      : new VgpuError('BAD_ANSWER', `slot ${slot}: the answer is not the sum; report this`);

/** What is thrown else is a defect. */
function ours(error: unknown): VgpuError {
  if (error instanceof VgpuError) return error;
  throw error;
}

/**
 * Returns sooner if the signal is aborted. However late it is, answers and signals get their turn:
 * else a load that can't keep up would hear nothing.
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
