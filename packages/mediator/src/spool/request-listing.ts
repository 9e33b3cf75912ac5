import { PLAIN_SLOT, requestName, slotOfRequest } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import type { Listing, VmDirectory } from './vm-directory.js';

/** Directory entries in one part. */
const MAX_ENTRIES = 4096;
/** Directory entries, and requests among them, in one step of a part: other VMs are served between steps. */
const ENTRIES_PER_STEP = 256;
const REQUESTS_PER_STEP = 32;
/** Reading a larger directory may take longer than a start should. */
const HUGE_BYTES = 2 ** 24;

/** The result of a step of a listing. */
export interface ListingStep {
  /** A thread has to read first; the step is taken once the directory is ready again. */
  readonly isPending?: true;
  /** The requests of the part that the step completes, the oldest first; absent if it completes none. */
  readonly part?: readonly string[];
  readonly cost: number;
}

export interface RequestListingOptions {
  /** Whether a request is already waiting or admitted. */
  readonly isKnown: (name: string) => boolean;
  readonly onStaleRemoved: (files: number) => void;
}

/**
 * Finds the requests in a VM's directory, part by part: each part returns its requests by age, and the
 * next one continues where it ended. The first listing also removes leftovers of a killed mediator. Any
 * listing also removes stale files, if {@link removeStale} was called.
 */
export class RequestListing {
  readonly #directory: VmDirectory;
  readonly #options: RequestListingOptions;
  /** Requests in the part that is under way, and their ctimes. */
  readonly #found = new Map<string, bigint>();
  #entries = 0;
  /** The names listed last, until they are processed: after an error the same step is taken again. */
  #step: Listing | undefined;
  #isUnderWay = false;
  #isFirst = true;
  #staleBeforeNs: bigint | undefined;

  constructor(directory: VmDirectory, options: RequestListingOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /** Whether a listing has begun and not ended. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Whether no listing has ended yet. */
  get isFirst(): boolean {
    return this.#isFirst;
  }

  /** Whether the rest of this listing, or all of the next one, removes stale files. */
  get removesStale(): boolean {
    return this.#staleBeforeNs !== undefined;
  }

  /** Until the end of a listing, responses older than this that no client fetched are removed. */
  removeStale(beforeNs: bigint): void {
    this.#staleBeforeNs = beforeNs;
  }

  /** Drops a request from the part: it may have its response, and be gone, by the end of the part. */
  forget(name: string): void {
    this.#found.delete(name);
  }

  /**
   * Takes a step.
   *
   * @param requests Number of requests that complete a part.
   * @throws the error of the system call that failed; the next call takes the same step again.
   */
  readOn(requests: number): ListingStep {
    const entries = this.removesStale ? REQUESTS_PER_STEP : ENTRIES_PER_STEP;
    const bytes = this.#isUnderWay ? 0 : this.#directory.bytes;
    this.#isUnderWay = true;
    // The first listing should return all requests on disk to the first turn, unless it takes long.
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

  /** @returns the cost. */
  #removeStale(names: readonly string[]): number {
    if (this.#staleBeforeNs === undefined) return 0;
    const files = this.#directory.removeStale(names, this.#staleBeforeNs);
    if (files > 0) this.#options.onStaleRemoved(files);
    return COST.staleName * names.length + COST.staleFile * files;
  }

  /** @returns the number of requests whose age was read. */
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
