import { MtimeTrust } from './mtime-trust.js';
import type { ListingStep, RequestListing } from './request-listing.js';

/** Requests in one part of a listing, or the VM's queue limit if higher: more would only wait in memory. */
const REQUESTS_PER_PART = 128;
const MAX_REQUESTS_PER_PART = 1024;
/** If fewer names wait, the listing continues, so that they do not run out before its next part is complete. */
const FEW_WAITING = 64;
/** Pause between the parts of the first listing, in which other VMs are served, in milliseconds. */
const RECOVERY_PAUSE_MS = 10;

/**
 * Decides when a VM's directory is listed, and when a listing continues.
 *
 * A listing is *due* when the directory may hold names that are not known: at the start, when the directory's
 * mtime has changed, when a name was noticed for which there was no room, or when the directory is not watched.
 * It is *under way* from its first step to its end. After each part it *pauses*: until the next scan, until one
 * job has left for each step it took, or, during the first listing, for some milliseconds.
 */
export class ListingSchedule {
  readonly #listing: RequestListing;
  readonly #onResumed: () => void;
  readonly #trust = new MtimeTrust();
  /** The directory may hold names that the listing under way, if any, misses. */
  #isWanted = true;
  #isPaused = false;
  #stepsOwed = 0;
  /** The VM's last step was one of a listing. */
  #hasListed = false;
  #recovery: NodeJS.Timeout | undefined;
  #listedMtimeNs: bigint | undefined;

  /** @param onResumed Called when the first listing may continue. */
  constructor(listing: RequestListing, onResumed: () => void) {
    this.#listing = listing;
    this.#onResumed = onResumed;
  }

  /** Whether the directory may hold names that are not known. */
  get isDue(): boolean {
    return this.#listing.isUnderWay || this.#isWanted;
  }

  get mayGoOn(): boolean {
    return this.isDue && !this.#isPaused;
  }

  /** Whether the directory has been listed, and its mtime can show later changes. */
  get isUpToDate(): boolean {
    return this.#listedMtimeNs !== undefined;
  }

  /** The directory holds names that are not known. */
  want(): void {
    this.#isWanted = true;
  }

  /** As {@link want}, and a listing may continue at once. */
  wantNow(): void {
    this.#isWanted = true;
    this.#isPaused = false;
  }

  /** As {@link want}, but the listing waits for the next scan. */
  wantLater(): void {
    this.#isWanted = true;
    this.#isPaused = true;
  }

  /** The directory's mtime does not show all changes. */
  distrust(): void {
    this.#listedMtimeNs = undefined;
  }

  /** A job has left. */
  noteReleased(): void {
    this.#stepsOwed = Math.max(0, this.#stepsOwed - 1);
    if (this.#stepsOwed === 0) this.#isPaused = false;
  }

  /**
   * A scan reads the directory.
   *
   * @param mtimeNs The directory's mtime.
   * @param isUnwatched Whether the directory has no watch.
   * @param mayList If false, the known names are served first, even if the mtime has changed.
   */
  noteScan(mtimeNs: bigint, isUnwatched: boolean, mayList: boolean): void {
    this.#isPaused = false;
    this.#stepsOwed = 0;
    const hasChanged = mtimeNs !== this.#listedMtimeNs && mayList;
    // A listing under way is finished first: the mtime still shows then what it missed.
    if (this.#listing.isUnderWay) return;
    if (!isUnwatched && !this.#listing.removesStale && !hasChanged) return;
    this.#isWanted = true;
    this.#listedMtimeNs = this.#trust.isRacy(mtimeNs) ? undefined : mtimeNs;
  }

  /** Whether the VM's next step is one of a listing: listing alternates with reading the waiting names. */
  isTimeToList(waiting: number): boolean {
    this.#hasListed = this.mayGoOn && waiting < (this.#hasListed ? 1 : FEW_WAITING);
    return this.#hasListed;
  }

  /**
   * Takes a step of the listing.
   *
   * @param maxQueued Requests that may be queued at once.
   * @param isUnwatched Whether requests that came since this listing began were not reported.
   */
  step(maxQueued: number, isUnwatched: boolean): ListingStep {
    if (!this.#listing.isUnderWay) this.#isWanted = false;
    const requests = Math.max(REQUESTS_PER_PART, maxQueued);
    const step = this.#listing.readOn(Math.min(requests, MAX_REQUESTS_PER_PART));
    const { part, isPending } = step;
    if (isPending !== true) this.#stepsOwed += 1;
    if (part === undefined) return step;
    this.#isWanted ||= isUnwatched && part.length > 0;
    this.#isPaused = true;
    if (this.#listing.isFirst) this.#resumeSoon();
    return step;
  }

  close(): void {
    clearTimeout(this.#recovery);
  }

  /** After a restart no request should wait for a scan. A guest cannot make this happen more than once. */
  #resumeSoon(): void {
    clearTimeout(this.#recovery);
    this.#recovery = setTimeout(() => {
      this.#isPaused = false;
      this.#onResumed();
    }, RECOVERY_PAUSE_MS);
  }
}
