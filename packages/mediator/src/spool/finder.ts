import { PLAIN_SLOT, requestName } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import { Backlog, type Candidate } from './backlog.js';
import { ListingSchedule } from './listing-schedule.js';
import { RequestListing } from './request-listing.js';
import type { AdmittedFile, Share, ShareOptions } from './share.js';
import { VmWatch } from './vm-watch.js';

/** A step of a {@link Finder}. */
export interface Found {
  /** Absent if there is none, or no room for it, or if the step was one of a listing. */
  readonly candidate?: Candidate;
  /** More than 0 without a candidate, to read which costs something in any case. */
  readonly cost: number;
}

/**
 * Finds a VM's requests: the {@link VmWatch} tells of them, the {@link ListingSchedule} finds what the watch does
 * not tell, and the {@link Backlog} keeps their names until there is room.
 *
 * inotify is the fast way to learn of a request, the scan the sure one: events are lost when the kernel's queue
 * overflows, when watches run out, and for what other hosts do on a network file system.
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
        // The plain request that is held has no request's name any more.
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

  /** Admitted and not yet responded to, by the name of the request file. */
  get admitted(): ReadonlyMap<string, AdmittedFile> {
    return this.#backlog.admitted;
  }

  /** Names that wait to be read. */
  get waiting(): number {
    return this.#backlog.waiting;
  }

  /** Whether {@link take} has a candidate, or a step of a listing to do. */
  get hasWork(): boolean {
    const hasNames = this.#backlog.waiting > 0 || this.#schedule.mayGoOn;
    return this.hasTouched || (hasNames && this.#backlog.hasRoom);
  }

  /** Whether something has happened to a request that is admitted. */
  get hasTouched(): boolean {
    return this.#backlog.hasTouched;
  }

  /** Whether names wait, or there may be names that are not known. */
  get isBehind(): boolean {
    return this.#backlog.waiting > 0 || this.#schedule.isDue;
  }

  /** Whether nothing was left to find at the last scan, and the watch would have told of a change. */
  get isIdle(): boolean {
    const isEmpty = this.admitted.size + this.#backlog.empty.size === 0;
    return isEmpty && this.#schedule.isUpToDate && this.#watch.isIdle && !this.isBehind;
  }

  close(): void {
    this.#schedule.close();
    this.#watch.close();
  }

  /** Something has happened to a name. */
  notice(name: string): void {
    if (!this.#backlog.notice(name)) this.#schedule.want();
  }

  /** A request is there, but empty. */
  noticeEmpty(name: string): void {
    if (!this.#backlog.noticeEmpty(name)) this.#schedule.distrust();
  }

  /** Everything is found again by the next scan. */
  findLater(): void {
    this.#schedule.wantLater();
  }

  /** A request is queued from now on. */
  admit(file: AdmittedFile): void {
    this.#backlog.admit(file, this.#schedule.isDue);
  }

  /** A request has left; false if it was none of those that are admitted. */
  release(file: AdmittedFile): boolean {
    if (!this.#backlog.release(file)) return false;
    this.#watch.noteJob();
    this.#schedule.noteReleased();
    return true;
  }

  /**
   * A scan has come to the directory.
   *
   * @param staleBeforeNs If given, responses older than this that nobody fetched are removed.
   * @param isItsTurn False: names that are known are read first, since a directory with much in it
   *   takes as long to list as many of them to serve, and serving them changes its mtime.
   */
  noteScan(mtimeNs: bigint, staleBeforeNs: bigint | undefined, isItsTurn: boolean): void {
    this.#watch.noteScan();
    if (staleBeforeNs !== undefined) this.#listing.removeStale(staleBeforeNs);
    const isServed = this.#backlog.waiting + this.admitted.size > 0;
    this.#schedule.noteScan(mtimeNs, !this.#watch.isOpen, isItsTurn || !isServed);
  }

  /** Has names read that may be filled without a sign: writing into a file leaves the directory's mtime alone. */
  noticeSilent(): void {
    for (const name of [requestName(PLAIN_SLOT), ...this.#backlog.empty]) this.#share.notice(name);
  }

  /** The next name to read, or, before there is one, a step of a listing. */
  take(): Found {
    const { directory } = this.#share;
    const touched = this.#backlog.takeTouched();
    if (touched !== undefined) return { candidate: touched, cost: 0 };
    if (!this.#backlog.hasRoom) return { cost: COST.look };
    const cost = this.#schedule.isTimeToList(this.#backlog.waiting) ? this.#list() : 0;
    if (!directory.isReady) return { cost: cost + COST.look };
    // A VM without its watch may have more on disk than is known.
    const candidate = this.#backlog.take(this.#schedule.isDue || this.#watch.isThrottled);
    if (candidate === undefined) return { cost: cost + COST.look };
    // It may be answered and gone by the end of the listing.
    this.#listing.forget(candidate.name);
    return { candidate, cost };
  }

  /** Reads on in the directory. A part of it that is known makes its requests wait, the oldest first. */
  #list(): number {
    const maxQueued = this.#options.limits.maxQueued(this.#share.vm);
    const { part = [], cost } = this.#schedule.step(maxQueued, this.#watch.isThrottled);
    for (const name of part) this.#backlog.wait(name);
    return cost;
  }
}
