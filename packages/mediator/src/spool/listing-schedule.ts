import { MtimeTrust } from './mtime-trust.js';
import type { ListingStep, RequestListing } from './request-listing.js';

/** Requests in one part of a listing, or as many as may be queued: more would only wait in memory. */
const REQUESTS_PER_PART = 128;
const MAX_REQUESTS_PER_PART = 1024;
/** With fewer names that wait a listing goes on, so that they do not run out before it has a part. */
const FEW_WAITING = 64;
/** Between the parts of the first listing, in which others are served (milliseconds). */
const RECOVERY_PAUSE_MS = 10;

/**
 * Decides when a VM's directory is listed, and when a listing goes on.
 *
 * A listing is *due* when there may be names that are not known: at the start, when the directory's mtime has
 * changed, when a name was noticed for which there was no room, or when nobody tells of events. It is *under
 * way* from its first step to its end. After each part it *pauses*: until the next scan, until as many jobs have
 * left as it took steps, or, as long as it is the first one, for some milliseconds.
 */
export class ListingSchedule {
  readonly #listing: RequestListing;
  readonly #onResumed: () => void;
  readonly #trust = new MtimeTrust();
  /** There may be names that the listing under way, if any, does not come across. */
  #isWanted = true;
  #isPaused = false;
  #stepsOwed = 0;
  /** The last step of the VM was one of a listing. */
  #hasListed = false;
  #recovery: NodeJS.Timeout | undefined;
  #listedMtimeNs: bigint | undefined;

  /** @param onResumed Called when the first listing may go on. */
  constructor(listing: RequestListing, onResumed: () => void) {
    this.#listing = listing;
    this.#onResumed = onResumed;
  }

  /** Whether there may be names that are not known. */
  get isDue(): boolean {
    return this.#listing.isUnderWay || this.#isWanted;
  }

  get mayGoOn(): boolean {
    return this.isDue && !this.#isPaused;
  }

  /** Whether all that was there at the directory's mtime is known. */
  get isUpToDate(): boolean {
    return this.#listedMtimeNs !== undefined;
  }

  /** There are names that are not known. */
  want(): void {
    this.#isWanted = true;
  }

  /** There are, and a listing may go on at once. */
  wantNow(): void {
    this.#isWanted = true;
    this.#isPaused = false;
  }

  /** There are, and the next scan is to find them. */
  wantLater(): void {
    this.#isWanted = true;
    this.#isPaused = true;
  }

  /** The directory's mtime does not tell whether there are. */
  distrust(): void {
    this.#listedMtimeNs = undefined;
  }

  /** A job has left. */
  noteReleased(): void {
    this.#stepsOwed = Math.max(0, this.#stepsOwed - 1);
    if (this.#stepsOwed === 0) this.#isPaused = false;
  }

  /**
   * A scan has come to the directory.
   *
   * @param mtimeNs Its mtime.
   * @param isUnwatched Nobody tells of events.
   * @param mayList False: what is known is served first, whatever the mtime says.
   */
  noteScan(mtimeNs: bigint, isUnwatched: boolean, mayList: boolean): void {
    this.#isPaused = false;
    this.#stepsOwed = 0;
    const hasChanged = mtimeNs !== this.#listedMtimeNs && mayList;
    // A listing under way is finished first: what it misses still shows in the mtime then.
    if (this.#listing.isUnderWay) return;
    if (!isUnwatched && !this.#listing.removesStale && !hasChanged) return;
    this.#isWanted = true;
    this.#listedMtimeNs = this.#trust.isRacy(mtimeNs) ? undefined : mtimeNs;
  }

  /** Whether the next step of the VM is one of a listing: by turns with what waits, if something does. */
  isTimeToList(waiting: number): boolean {
    this.#hasListed = this.mayGoOn && waiting < (this.#hasListed ? 1 : FEW_WAITING);
    return this.#hasListed;
  }

  /**
   * Reads on in the directory.
   *
   * @param maxQueued Requests that may be queued at once.
   * @param isUnwatched Nobody tells of what came since this listing began.
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
    if (this.#listing.isFirst) this.#goOnRecovering();
    return step;
  }

  close(): void {
    clearTimeout(this.#recovery);
  }

  /** After a restart nothing is to wait for a scan; this happens once, whatever a guest does. */
  #goOnRecovering(): void {
    clearTimeout(this.#recovery);
    this.#recovery = setTimeout(() => {
      this.#isPaused = false;
      this.#onResumed();
    }, RECOVERY_PAUSE_MS);
  }
}
