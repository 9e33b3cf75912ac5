import { PLAIN_SLOT, requestName } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import { Backlog, type Candidate } from './backlog.js';
import { ListingSchedule } from './listing-schedule.js';
import { RequestListing } from './request-listing.js';
import type { AdmittedFile, Share, ShareOptions } from './share.js';
import { VmWatch } from './vm-watch.js';

/** A step of a {@link Finder}. */
export interface Found {
  /** Absent if no name waits, if the queue has no room, or if the step only listed. */
  readonly candidate?: Candidate;
  /** More than 0 if there is no candidate; reading a candidate always costs something. */
  readonly cost: number;
}

/**
 * Finds a VM's requests: the {@link VmWatch} reports them, listings by the {@link ListingSchedule} find those
 * that the watch misses, and the {@link Backlog} keeps their names until the queue has room.
 *
 * inotify is the fast way to learn of a request, the scan the reliable one: events are lost when the kernel's
 * queue overflows, when watches run out, and for changes by other hosts on a network file system.
 */
export class Finder {
  readonly #share: Share;
  readonly #options: ShareOptions;
  readonly #backlog: Backlog;
  readonly #listing: RequestListing;
  readonly #schedule: ListingSchedule;
  readonly #watch: VmWatch;

  constructor(share: Share, options: ShareOptions) {
    const { directory } = share;
    const { events } = options;
    this.#share = share;
    this.#options = options;
    this.#backlog = new Backlog(options);
    this.#listing = new RequestListing(directory, {
      isKnown: (name) => this.#backlog.has(name),
      onStaleRemoved: (files) => events.emit('staleRemoved', share, files),
    });
    this.#schedule = new ListingSchedule(this.#listing, () => events.emit('work', share));
    this.#watch = new VmWatch(directory.watchPath, {
      onActive: () => events.emit('active', share),
      onChange: (names, others) => {
        events.emit('charged', share, COST.event * (names.length + others));
        // A held plain request no longer has a request's name, so its changes come as other events.
        if (others > 0 && directory.isHolding) share.notice(requestName(PLAIN_SLOT));
        for (const name of names) share.notice(name);
      },
      onThrottled: () => {
        this.#schedule.wantNow();
        events.emit('throttled', share);
        events.emit('work', share);
      },
      onEventsLost: () => events.emit('eventsLost'),
      onLost: (error) => events.emit('watchLost', error),
    });
  }

  /** Admitted requests without a response, by the name of the request file. */
  get admitted(): ReadonlyMap<string, AdmittedFile> {
    return this.#backlog.admitted;
  }

  /** Number of names that wait to be read. */
  get waiting(): number {
    return this.#backlog.waiting;
  }

  /** Whether {@link take} has a candidate to return, or a step of a listing to take. */
  get hasWork(): boolean {
    const hasNames = this.#backlog.waiting > 0 || this.#schedule.mayGoOn;
    return this.hasTouched || (hasNames && this.#backlog.hasRoom);
  }

  /** Whether the file of an admitted request has changed. */
  get hasTouched(): boolean {
    return this.#backlog.hasTouched;
  }

  /** Whether names wait, or the directory may hold names that are not known. */
  get isBehind(): boolean {
    return this.#backlog.waiting > 0 || this.#schedule.isDue;
  }

  /** Whether the last scan left nothing to find, and the watch would have reported a change since. */
  get isIdle(): boolean {
    const isEmpty = this.admitted.size + this.#backlog.empty.size === 0;
    return isEmpty && this.#schedule.isUpToDate && this.#watch.isIdle && !this.isBehind;
  }

  close(): void {
    this.#schedule.close();
    this.#watch.close();
  }

  /** A name was created, changed or removed. */
  notice(name: string): void {
    if (!this.#backlog.notice(name)) this.#schedule.want();
  }

  /** The file of this name has superseded a queued request: it is read before the names that wait. */
  readNext(name: string): void {
    this.#backlog.readNext(name);
  }

  /** A request file is empty. */
  noticeEmpty(name: string): void {
    if (!this.#backlog.noticeEmpty(name)) this.#schedule.distrust();
  }

  /** Has the next scan find everything again. */
  findLater(): void {
    this.#schedule.wantLater();
  }

  /** A request is now queued. */
  admit(file: AdmittedFile): void {
    this.#backlog.admit(file, this.#schedule.isDue);
  }

  /** A request has left the mediator; false if it was not admitted here. */
  release(file: AdmittedFile): boolean {
    if (!this.#backlog.release(file)) return false;
    this.#watch.noteJob();
    this.#schedule.noteReleased();
    return true;
  }

  /**
   * A scan reads the directory.
   *
   * @param staleBeforeNs If given, responses older than this that no client fetched are removed.
   * @param isItsTurn If false, the known names are read first: listing a large directory takes as long as
   *   serving many of them, and serving them changes the directory's mtime.
   */
  noteScan(mtimeNs: bigint, staleBeforeNs: bigint | undefined, isItsTurn: boolean): void {
    this.#watch.noteScan();
    if (staleBeforeNs !== undefined) this.#listing.removeStale(staleBeforeNs);
    const isServed = this.#backlog.waiting + this.admitted.size > 0;
    this.#schedule.noteScan(mtimeNs, !this.#watch.isOpen, isItsTurn || !isServed);
  }

  /** Has files read that may be filled without an event: a write leaves the directory's mtime alone. */
  noticeSilent(): void {
    for (const name of [requestName(PLAIN_SLOT), ...this.#backlog.empty]) this.#share.notice(name);
  }

  /** Returns the next name to read; takes a step of a listing first if one is due. */
  take(): Found {
    const { directory } = this.#share;
    const touched = this.#backlog.takeTouched();
    if (touched !== undefined) return { candidate: touched, cost: 0 };
    if (!this.#backlog.hasRoom) return { cost: COST.read };
    const cost = this.#schedule.isTimeToList(this.#backlog.waiting) ? this.#list() : 0;
    if (!directory.isReady) return { cost: cost + COST.read };
    // A VM whose watch is throttled may have requests on disk that are not known.
    const candidate = this.#backlog.take(this.#schedule.isDue || this.#watch.isThrottled);
    if (candidate === undefined) return { cost: cost + COST.read };
    // The request may have its response, and be gone, by the end of the listing.
    this.#listing.forget(candidate.name);
    return { candidate, cost };
  }

  /** Continues the listing. Once a part is complete, its requests wait, the oldest first. */
  #list(): number {
    const maxQueued = this.#options.limits.maxQueued(this.#share.vm);
    const { part = [], cost } = this.#schedule.step(maxQueued, this.#watch.isThrottled);
    for (const name of part) this.#backlog.wait(name);
    return cost;
  }
}
