import type { Priority } from '@vgpu/protocol';
import { describeEvent, keyOf, type HistoryEvent, type Sum } from './history.js';
import { isExcused } from './known-limits.js';
import type { World } from './world.js';

export interface Violation {
  /** Its place in the history. */
  readonly at: number;
  readonly what: string;
}

/** A request that a mediator has queued, and when it may have arrived. */
interface Queued {
  readonly id: number;
  readonly priority: Priority;
  readonly earliestNs: bigint;
  readonly latestNs: bigint;
}

type EventOf<K extends HistoryEvent['kind']> = Extract<HistoryEvent, { readonly kind: K }>;

/** The past of a request; indices into the history. */
export interface RequestState {
  readonly sum: Sum;
  readonly sentAt: number;
  /** Otherwise the mediator waits until it has settled. */
  readonly isTerminated: boolean;
  readonly stampNs: bigint;
  queuedAt?: number;
  /** Its response was put in place: each time, and when the mediator had last checked before. */
  readonly placed: { readonly at: number; readonly checkedAt: number }[];
  readAt?: number;
  /** Its client has removed it, or written another over it. */
  goneAt?: number;
}

/** Admission over the queue limit counts as arrival; it is logged at the end of the turn. */
const ADMISSION_NS = 2_000_000n;
/** No VM has this many requests. */
const NO_LIMIT = 64;

/** Searches the finished history of a world for violations. */
export function check({ history, plan, left }: World): Violation[] {
  return new Checker(history, plan.maxQueuedPerVm < NO_LIMIT).run(left);
}

class Checker {
  readonly #history: readonly HistoryEvent[];
  readonly #isLimited: boolean;
  readonly #violations: Violation[] = [];
  readonly #states = new Map<number, RequestState>();
  readonly #bySum = new Map<string, RequestState>();
  readonly #inPlainSlot = new Map<string, RequestState>();
  /** Of the mediator that runs. */
  #queued = new Map<string, Queued>();
  /** On disk when the mediator started: it must know them before it chooses among them. */
  #unknown = new Set<RequestState>();
  #at = 0;

  constructor(history: readonly HistoryEvent[], isLimited: boolean) {
    this.#history = history;
    this.#isLimited = isLimited;
  }

  run(left: readonly string[]): Violation[] {
    for (const [at, event] of this.#history.entries()) {
      this.#at = at;
      this.#visit(event);
    }
    for (const { sum, readAt, goneAt } of this.#states.values()) {
      const isDone = readAt !== undefined || goneAt !== undefined;
      if (!isDone) this.#report(`${sum.id} (${keyOf(sum)}) never gets a response`);
    }
    for (const name of left) this.#report(`${name} is left on disk`);
    return this.#violations;
  }

  #visit(event: HistoryEvent): void {
    switch (event.kind) {
      case 'sent':
        this.#onSent(event);
        return;
      case 'withdrawn':
        if (event.found) this.#isGone(this.#states.get(event.sum.id));
        return;
      case 'read':
        this.#onRead(event);
        return;
      case 'placed':
        this.#onPlaced(event);
        return;
      case 'started':
        this.#queued = new Map();
        this.#unknown = new Set([...this.#states.values()].filter(isStanding));
        return;
      case 'call':
        // A request that could not be read is read later.
        if (event.failure !== undefined) this.#unknown.clear();
        return;
      case 'queued':
        this.#onQueued(event);
        return;
      case 'on device':
        this.#onDevice(event);
        return;
      case 'finished':
        this.#queued.delete(event.key);
        return;
      case 'statistics':
        if (event.requests !== event.outcomes || event.requests !== event.logged) {
          this.#report(`${describeEvent(event)}: expected equal numbers`);
        }
        return;
      case 'killed':
      case 'stopped':
      case 'logged':
      case 'step':
        return;
    }
  }

  #onSent({ sum, text, stampNs }: EventOf<'sent'>): void {
    const key = keyOf(sum);
    const isTerminated = text.endsWith('\n');
    const state: RequestState = { sum, isTerminated, sentAt: this.#at, stampNs, placed: [] };
    if (sum.slot === '.') {
      this.#isGone(this.#inPlainSlot.get(key));
      this.#inPlainSlot.set(key, state);
    }
    this.#states.set(sum.id, state);
    this.#bySum.set(sum.response, state);
  }

  #isGone(state: RequestState | undefined): void {
    if (state !== undefined) state.goneAt ??= this.#at;
  }

  #onRead({ sum, text }: EventOf<'read'>): void {
    const own = this.#states.get(sum.id);
    if (own === undefined) return;
    if (text === sum.response) {
      own.readAt ??= this.#at;
      return;
    }
    const other = this.#bySum.get(text);
    if (!isExcused(this.#history, own, other)) {
      const whose = other === undefined ? '' : `, the response to ${other.sum.id}`;
      this.#report(`${sum.id} (${keyOf(sum)}) has read ${JSON.stringify(text)}${whose}`);
    }
  }

  #onPlaced({ key, text, checkedAt }: EventOf<'placed'>): void {
    if (text === '') return;
    const state = this.#bySum.get(text);
    if (state === undefined || keyOf(state.sum) !== key) {
      this.#report(`${JSON.stringify(text)} was put into ${key}: no request there has this sum`);
      return;
    }
    state.placed.push({ at: this.#at, checkedAt });
    if (state.goneAt !== undefined && state.goneAt < checkedAt) {
      this.#report(
        `${state.sum.id} (${key}) got a response although it was gone before the last check`,
      );
    }
  }

  #onQueued({ key, priority, readId, readNs, nowNs }: EventOf<'queued'>): void {
    const id = readId ?? Number(key.split('/r')[1]);
    const state = this.#states.get(id);
    if (state === undefined || keyOf(state.sum) !== key || state.sum.priority !== priority) {
      this.#report(`queued in ${key} at priority ${priority}: no such request was sent as a whole`);
      return;
    }
    state.queuedAt ??= this.#at;
    this.#unknown.delete(state);
    // The plain slot's request is marked before it is computed, which changes its time.
    const earliestNs = readNs ?? state.stampNs;
    const latestNs = this.#isLimited ? nowNs + ADMISSION_NS : earliestNs;
    this.#queued.set(key, { id, priority, earliestNs, latestNs });
  }

  #onDevice({ key }: EventOf<'on device'>): void {
    const job = this.#queued.get(key);
    if (job === undefined) {
      this.#report(`${key} is on a device, but was not queued`);
      return;
    }
    this.#queued.delete(key);
    for (const other of this.#queued.values()) {
      const isLate = other.priority === job.priority && other.latestNs < job.earliestNs;
      if (other.priority > job.priority || isLate) {
        this.#report(`${job.id} is on a device before ${other.id}, which comes first`);
      }
    }
    // Requests that wait because their VM is over its limit need not be known.
    for (const state of this.#isLimited ? [] : this.#unknown) {
      const what = `${job.id} is on a device, but ${state.sum.id} was on disk at the start`;
      if (isStanding(state)) this.#report(`${what} and is not known yet`);
    }
    this.#unknown.clear();
  }

  #report(what: string): void {
    this.#violations.push({ at: this.#at, what });
  }
}

/** Whether a request is on disk, and stays unchanged until its response. */
function isStanding({ isTerminated, placed, goneAt }: RequestState): boolean {
  return isTerminated && placed.length === 0 && goneAt === undefined;
}
