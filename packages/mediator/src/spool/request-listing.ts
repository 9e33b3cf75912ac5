import { PLAIN_SLOT, requestName, slotOfRequest } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import type { Listing, VmDirectory } from './vm-directory.js';

/** Directory entries in one part. */
const MAX_ENTRIES = 4096;
/** Directory entries, and requests among them, in one step of a part: others are served in between. */
const ENTRIES_PER_STEP = 256;
const REQUESTS_PER_STEP = 32;
/** A directory that takes up more may take longer to read than a start should. */
const HUGE_BYTES = 2 ** 24;

/** What a step of a listing gives. */
export interface ListingStep {
  /** A thread has to read first; the step is taken once the directory is ready again. */
  readonly isPending?: true;
  /** The requests of the part that the step ends, the oldest first; absent if it ends none. */
  readonly part?: readonly string[];
  readonly cost: number;
}

export interface RequestListingOptions {
  /** Whether a request needs no finding. */
  readonly isKnown: (name: string) => boolean;
  readonly onStaleRemoved: (files: number) => void;
}

/**
 * Finds the requests in a VM's directory, part by part: each part gives its requests by age, and the
 * next one goes on where it ended. On the way the first listing tidies up what a mediator that was
 * killed has left, and any listing, if it is told to, what nobody has fetched.
 */
export class RequestListing {
  readonly #directory: VmDirectory;
  readonly #options: RequestListingOptions;
  /** Requests in the part that is under way, and their ctimes. */
  readonly #found = new Map<string, bigint>();
  #entries = 0;
  /** What was listed last, while it is not dealt with: an error in between is no reason to miss the rest. */
  #step: Listing | undefined;
  #isUnderWay = false;
  #isFirst = true;
  #staleBeforeNs: bigint | undefined;

  constructor(directory: VmDirectory, options: RequestListingOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** A listing has begun and not come to its end. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** No listing has come to its end yet. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  /** What is left of this listing, or all of the next one, removes what nobody has fetched. */
  get removesStale(): boolean {
    return this.#staleBeforeNs !== undefined;
  }

  /** To the end of a listing, answers older than this that nobody fetched are removed. */
  removeStale(beforeNs: bigint): void {
    this.#staleBeforeNs = beforeNs;
  }

  /** A request needs no finding any more: it may be answered and gone by the end of the part. */
  forget(name: string): void {
    this.#found.delete(name);
  }

  /**
   * Takes a step.
   *
   * @param requests As many make a part.
   * @throws the error of the system call that failed; the next call takes the same step again.
   */
  readOn(requests: number): ListingStep {
    const entries = this.removesStale ? REQUESTS_PER_STEP : ENTRIES_PER_STEP;
    const bytes = this.#isUnderWay ? 0 : this.#directory.bytes;
    this.#isUnderWay = true;
    // The first one is to give what was on disk to the first turn, unless that takes long.
    const mayWait = !this.#isFirst || this.#directory.bytes > HUGE_BYTES;
    this.#step ??= this.#directory.list(entries, REQUESTS_PER_STEP, mayWait);
    const { names, complete, isPending } = this.#step;
    if (isPending === true) {
      this.#step = undefined;
      return { isPending, cost: COST.listing + COST.listedByte * bytes };
    }
    if (this.#isFirst && this.#directory.recover(names)) names.push(requestName(PLAIN_SLOT));
    const cost =
      COST.listing +
      COST.listedByte * bytes +
      COST.listedName * names.length +
      this.#removeStale(names) +
      COST.listedRequest * this.#find(names);
    this.#step = undefined;
    this.#isUnderWay = !complete;
    this.#entries += names.length;
    if (complete) {
      this.#isFirst = false;
      this.#staleBeforeNs = undefined;
    } else if (this.#entries < MAX_ENTRIES && this.#found.size < requests) {
      return { cost };
    }
    const oldestFirst = [...this.#found].sort(([, a], [, b]) => Number(a - b));
    this.#found.clear();
    this.#entries = 0;
    return { part: oldestFirst.map(([name]) => name), cost };
  }

  /** @returns what it cost. */
  #removeStale(names: readonly string[]): number {
    if (this.#staleBeforeNs === undefined) return 0;
    const files = this.#directory.removeStale(names, this.#staleBeforeNs);
    if (files > 0) this.#options.onStaleRemoved(files);
    return COST.staleName * names.length + COST.staleFile * files;
  }

  /** @returns how many requests there were whose age was to be found out. */
  #find(names: readonly string[]): number {
    let found = 0;
    for (const name of names) {
      if (slotOfRequest(name) === undefined || this.#options.isKnown(name)) continue;
      found += 1;
      const ctimeNs = this.#directory.ctimeNs(name);
      if (ctimeNs !== undefined) this.#found.set(name, ctimeNs);
    }
    return found;
  }
}
