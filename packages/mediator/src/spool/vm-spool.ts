import { PLAIN_SLOT, requestName, slotOfRequest } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import { Backlog, type Candidate } from './backlog.js';
import { ListingSchedule } from './listing-schedule.js';
import { RequestListing } from './request-listing.js';
import { Settling } from './settling.js';
import type { Ticket } from './ticket.js';
import { VmDirectory } from './vm-directory.js';
import { VmWatch } from './vm-watch.js';

/** Until the first look at an answered plain request that is held; each further one takes twice as long. */
const HELD_LOOK_MS = 250;

export interface VmSpoolOptions {
  readonly root: string;
  readonly vm: number;
  /** Requests that may be queued at once; what is beyond waits on disk. */
  readonly maxQueued: () => number;
  /** Whether all VMs are held to a part of that, as one is whose requests waited on disk. */
  readonly isCrowded: () => boolean;
  readonly settleMs: () => number;
  /** Called when there is a name to look at. */
  readonly onWork: (spool: VmSpool) => void;
  /** Called when something has happened that need not lead to anything: it is not quiet any more. */
  readonly onAwake?: (spool: VmSpool) => void;
  readonly onWatchLost: (error: Error) => void;
  /** inotify has told of events in the directory. */
  readonly onEvents?: (spool: VmSpool, events: number) => void;
  /** Called when the kernel's queue has overflowed, and events of any directory may be lost. */
  readonly onEventsLost?: () => void;
  /** Called when the VM causes so many events that it is only swept until the next sweep. */
  readonly onMuted?: (spool: VmSpool) => void;
  readonly onStaleRemoved: (spool: VmSpool, files: number) => void;
}

/** What a step of {@link VmSpool.take} gives. */
export interface Taken {
  /** Absent if there is none, or no room for it, or if the step was one of a listing. */
  readonly candidate?: Candidate;
  /** More than 0 without a candidate, to look at which costs something in any case. */
  readonly cost: number;
}

/**
 * One VM's share of the spool: its directory, the {@link Backlog} of its requests, the {@link VmWatch} that tells
 * of them, and the {@link ListingSchedule} that finds what the watch does not tell.
 *
 * inotify is the fast way to learn of a request, the scan the sure one: events are lost when the kernel's queue
 * overflows, when watches run out, and for what other hosts do on a network file system.
 *
 * Memory is bounded, whatever a guest does: 1 MiB of operands and the one request that exceeds it
 * (2^17 bytes), as many jobs as the queue limit, 1200 names of 76 characters at most that wait and 160
 * in a part of a listing (2100 and 1056 where the queue limit is that high), 64 each that settle, that
 * are empty and that could not be removed, and 256 that a thread removes, and one for each job more.
 */
export class VmSpool {
  readonly directory: VmDirectory;
  /** Requests without a newline, which may be half written. */
  readonly settling: Settling;
  readonly #options: VmSpoolOptions;
  readonly #backlog: Backlog;
  readonly #listing: RequestListing;
  readonly #schedule: ListingSchedule;
  readonly #watch: VmWatch;
  #isOpen = true;
  #hasFailed = false;
  #heldLook: NodeJS.Timeout | undefined;

  /** @throws the error of open(2). */
  constructor(options: VmSpoolOptions) {
    this.#options = options;
    const noteWork = () => {
      options.onWork(this);
    };
    this.directory = new VmDirectory(options.root, options.vm, {
      onHeld: () => {
        this.#lookAgainAtHeld(HELD_LOOK_MS);
      },
      onReady: noteWork,
    });
    this.settling = new Settling(options.settleMs, (name) => {
      this.notice(name);
    });
    this.#backlog = new Backlog({
      maxQueued: options.maxQueued,
      isOverloaded: options.isCrowded,
    });
    this.#listing = new RequestListing(this.directory, {
      isKnown: (name) => this.#backlog.has(name),
      onStaleRemoved: (files) => {
        options.onStaleRemoved(this, files);
      },
    });
    this.#schedule = new ListingSchedule(this.#listing, noteWork);
    this.#watch = new VmWatch(this.directory.watchPath, {
      onAwake: () => options.onAwake?.(this),
      onChange: (names, others) => {
        options.onEvents?.(this, names.length + others);
        // The plain request that is held has no request's name any more.
        if (others > 0 && this.directory.isHolding) this.notice(requestName(PLAIN_SLOT));
        for (const name of names) this.notice(name);
      },
      onThrottled: () => {
        this.#schedule.wantNow();
        options.onMuted?.(this);
        noteWork();
      },
      onEventsLost: () => options.onEventsLost?.(),
      onLost: options.onWatchLost,
    });
  }

  get vm(): number {
    return this.directory.vm;
  }

  /** Admitted and not yet answered, by the name of the request file. */
  get tickets(): ReadonlyMap<string, Ticket> {
    return this.#backlog.tickets;
  }

  /** Whether there is anything to do at once: names to look at, and room for what they hold. */
  get hasWork(): boolean {
    if (!this.#isOpen || !this.directory.isReady) return false;
    const hasNames = this.#backlog.waiting > 0 || this.#schedule.mayGoOn;
    return this.#backlog.hasTouched || (hasNames && this.#backlog.hasRoom);
  }

  /** Whether nothing at all waits to be looked at, but for what failed and is tried again later. */
  get isDrained(): boolean {
    const isIdle = !this.#backlog.hasTouched && this.settling.size === 0;
    return isIdle && (!this.#isBehind || (this.#hasFailed && this.#backlog.waiting === 0));
  }

  /** Whether nothing has happened since the last scan, and inotify would have told. */
  get isQuiet(): boolean {
    const { tickets, empty } = this.#backlog;
    const isIdle = tickets.size + empty.size + this.settling.size === 0;
    const isSeen = this.#schedule.isUpToDate && this.#watch.isQuiet;
    return isIdle && isSeen && !this.#isBehind && !this.#hasFailed;
  }

  /** Whether the directory could not be read or written since the last scan. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Lets the directory go; its tickets are void. */
  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#heldLook);
    this.#schedule.close();
    this.#watch.close();
    this.settling.close();
    this.directory.close();
  }

  /** Something has happened to a name. */
  notice(name: string): void {
    if (!this.#isOpen || slotOfRequest(name) === undefined) return;
    if (!this.#backlog.notice(name)) this.#schedule.want();
    this.#options.onWork(this);
  }

  /** A request is there, but empty. */
  noticeEmpty(name: string): void {
    if (!this.#backlog.noticeEmpty(name)) this.#schedule.distrust();
  }

  /** Something could not be done now: everything is looked at again by the next scan. */
  lookAgainLater(): void {
    this.#schedule.wantLater();
  }

  /** The directory could not be read or written. */
  noteFailure(): void {
    this.#hasFailed = true;
    this.lookAgainLater();
  }

  /** A request is queued from now on. */
  admit(ticket: Ticket): void {
    this.#backlog.admit(ticket, this.#schedule.isDue);
  }

  /** A request has left: there may be room for another. */
  release(ticket: Ticket): void {
    if (!this.#backlog.release(ticket)) return;
    this.#watch.noteJob();
    this.#schedule.noteReleased();
    if (this.#isOpen && this.#isBehind) this.#options.onWork(this);
  }

  /**
   * Looks for what inotify has not told, at the cost of one system call where nothing happened.
   *
   * @param staleBeforeNs If given, answers older than this that nobody fetched are removed.
   * @param isItsTurn False: names that are known are served first, since a directory with much in it
   *   takes as long to list as many of them to serve, and serving them changes its mtime.
   * @returns false if the directory has been removed.
   */
  sweep(staleBeforeNs?: bigint, isItsTurn = true): boolean {
    const { exists, mtimeNs } = this.directory.refresh();
    if (!exists) return false;
    const wasQuiet = this.isQuiet;
    this.#watch.noteScan();
    this.#hasFailed = false;
    if (staleBeforeNs !== undefined) this.#listing.removeStale(staleBeforeNs);
    const isServed = this.#backlog.waiting + this.tickets.size > 0;
    this.#schedule.noteScan(mtimeNs, !this.#watch.isOpen, isItsTurn || !isServed);
    // Writing into a file that is there leaves the directory's mtime alone.
    const silent = wasQuiet ? [] : [requestName(PLAIN_SLOT), ...this.#backlog.empty];
    for (const name of silent) this.notice(name);
    if (this.hasWork) this.#options.onWork(this);
    return true;
  }

  /** Takes a step: the next name to look at, or, before there is one, a step of a listing. */
  take(): Taken {
    if (!this.#isOpen) return { cost: COST.look };
    const touched = this.#backlog.takeTouched();
    if (touched !== undefined) return { candidate: touched, cost: 0 };
    if (!this.#backlog.hasRoom) return { cost: COST.look };
    const cost = this.#schedule.isTimeToList(this.#backlog.waiting) ? this.#list() : 0;
    if (!this.directory.isReady) return { cost: cost + COST.look };
    // A VM without its watch may have more on disk than is known.
    const candidate = this.#backlog.take(this.#schedule.isDue || this.#watch.isThrottled);
    if (candidate === undefined) return { cost: cost + COST.look };
    // It may be answered and gone by the end of the listing.
    this.#listing.forget(candidate.name);
    return { candidate, cost };
  }

  get #isBehind(): boolean {
    return this.#backlog.waiting > 0 || this.#schedule.isDue;
  }

  /** Reads on in the directory. A part of it that is known makes its requests wait, the oldest first. */
  #list(): number {
    const { part = [], cost } = this.#schedule.step(
      this.#options.maxQueued(),
      this.#watch.isThrottled,
    );
    for (const name of part) this.#backlog.wait(name);
    return cost;
  }

  /** For where inotify does not tell that its client has written into it. */
  #lookAgainAtHeld(delayMs: number): void {
    clearTimeout(this.#heldLook);
    this.#heldLook = setTimeout(() => {
      if (!this.directory.isHolding) return;
      this.notice(requestName(PLAIN_SLOT));
      this.#lookAgainAtHeld(2 * delayMs);
    }, delayMs);
  }
}
