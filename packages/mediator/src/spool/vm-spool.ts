import { PLAIN_SLOT, requestName, slotOfRequest } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import type { Job } from '../scheduling/job.js';
import { MtimeTrust } from './mtime-trust.js';
import { RequestListing } from './request-listing.js';
import { Settling } from './settling.js';
import { VmDirectory } from './vm-directory.js';
import { watchDirectory, type DirectoryWatch } from './watch-directory.js';
import { WatchThrottle } from './watch-throttle.js';

/** Names remembered per VM beyond the queued ones; what is beyond is found again on disk. */
const MAX_WAITING = 1024;
/** Requests in one part of a listing, or as many as may be queued: more would only wait in memory. */
const REQUESTS_PER_PART = 128;
/** Empty request files that are looked at in every sweep. */
const MAX_EMPTY = 64;
/** With fewer names that wait a listing goes on, so that they do not run out before it has a part. */
const FEW_WAITING = 64;
/** Operands of queued requests, in bytes; exceeded by less than one request. */
const MAX_QUEUED_BYTES = 2 ** 20;
/**
 * What waited on disk is admitted only as long as so small a part of the queue limits is used up. It
 * is enough to keep devices busy, and what a VM that floods delays its equals by.
 */
const HELD_PART = 1 / 8;
/** Until the first look at an answered plain request that is held; each further one takes twice as long. */
const HELD_LOOK_MS = 250;
/** Between the parts of the first listing, in which others are served (milliseconds). */
const RECOVERY_PAUSE_MS = 10;

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

/** A name to look at; `held` if it waited on disk because its VM was over its queue limit. */
export interface Candidate {
  readonly name: string;
  readonly held: boolean;
}

/** What a step of {@link VmSpool.take} gives. */
export interface Taken {
  /** Absent if there is none, or no room for it, or if the step was one of a listing. */
  readonly candidate?: Candidate;
  /** More than 0 without a candidate, to look at which costs something in any case. */
  readonly cost: number;
}

/**
 * One VM's share of the spool: which names have to be looked at, and what is queued.
 *
 * inotify is the fast way to learn of a request, the sweep the sure one: events are lost when the
 * kernel's queue overflows, when watches run out, and for what other hosts do on a network file
 * system. All VMs share the kernel's queue of 16 384, and to read events without end (as Node does, where
 * there is no addon) would stop all else: the watch of a VM that causes so many is taken away for some
 * sweeps.
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
  readonly #jobs = new Map<string, Job>();
  readonly #options: VmSpoolOptions;
  /** To be looked at when there is room, oldest first; whether they are held back. */
  readonly #waiting = new Map<string, boolean>();
  /** Queued requests that something has happened to. */
  readonly #touched = new Set<string>();
  /** Requests that are there and empty: their writer may fill them without any sign but inotify's. */
  readonly #empty = new Set<string>();
  #watcher: DirectoryWatch | undefined;
  #isOpen = true;
  #hasFailed = false;
  /** What waits was held back, and what follows it is. */
  #held = false;
  readonly #listing: RequestListing;
  /** There may be names that the listing under way, if any, does not come across. */
  #mustList = true;
  /** A listing goes on at a sweep, or when as many jobs have left as it took steps: they cost as much. */
  #mayList = true;
  #stepsOwed = 0;
  /** The last call of `take` took a step of a listing. */
  #hasListed = false;
  #recovery: NodeJS.Timeout | undefined;
  #heldLook: NodeJS.Timeout | undefined;
  #queuedBytes = 0;
  readonly #throttle = new WatchThrottle();
  /** inotify has told of something since the last sweep. */
  #hasHeard = false;
  readonly #trust = new MtimeTrust();
  #listedMtimeNs: bigint | undefined;

  /** @throws the error of open(2). */
  constructor(options: VmSpoolOptions) {
    this.#options = options;
    this.directory = new VmDirectory(options.root, options.vm, {
      onHeld: () => {
        this.#lookAgainAtHeld(HELD_LOOK_MS);
      },
      onReady: () => {
        options.onWork(this);
      },
    });
    this.settling = new Settling(options.settleMs, (name) => {
      this.notice(name);
    });
    this.#listing = new RequestListing(this.directory, {
      isKnown: (name) => this.#jobs.has(name) || this.#waiting.has(name),
      onStaleRemoved: (files) => {
        options.onStaleRemoved(this, files);
      },
    });
    this.#watch();
  }

  get vm(): number {
    return this.directory.vm;
  }

  /** Admitted and not yet answered, by the name of the request file. */
  get jobs(): ReadonlyMap<string, Job> {
    return this.#jobs;
  }

  /** Whether there is anything to do at once: names to look at, and room for what they hold. */
  get hasWork(): boolean {
    if (!this.#isOpen || !this.directory.isReady) return false;
    const hasNames = this.#waiting.size > 0 || (this.#isListingDue() && this.#mayList);
    return this.#touched.size > 0 || (hasNames && this.#hasRoom());
  }

  /** Whether nothing at all waits to be looked at, but for what failed and is tried again later. */
  get isDrained(): boolean {
    const isIdle = this.#touched.size === 0 && this.settling.size === 0;
    return isIdle && (!this.#isBehind() || (this.#hasFailed && this.#waiting.size === 0));
  }

  /** Whether nothing has happened since the last sweep, and inotify would have told. */
  get isQuiet(): boolean {
    const isIdle = this.#jobs.size + this.#empty.size + this.settling.size === 0;
    const isListed = this.#listedMtimeNs !== undefined;
    const isSeen = !this.#hasHeard && this.#watcher !== undefined && !this.#throttle.isMuted;
    return isIdle && isListed && isSeen && !this.#isBehind() && !this.#hasFailed;
  }

  /** Whether the directory could not be read or written since the last sweep. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Lets the directory go; jobs in it are void. */
  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#recovery);
    clearTimeout(this.#heldLook);
    this.#watcher?.close();
    this.#watcher = undefined;
    this.settling.close();
    this.directory.close();
  }

  /** Something has happened to a name. */
  notice(name: string): void {
    if (!this.#isOpen || slotOfRequest(name) === undefined) return;
    this.#empty.delete(name);
    if (this.#jobs.has(name)) this.#touched.add(name);
    else if (this.#waiting.size < MAX_WAITING) this.#wait(name);
    else this.#mustList = true;
    this.#options.onWork(this);
  }

  /** A request is there, but empty. */
  noticeEmpty(name: string): void {
    if (this.#empty.size < MAX_EMPTY) this.#empty.add(name);
    else this.#listedMtimeNs = undefined;
  }

  /** Something could not be done now: everything is looked at again by the next sweep. */
  lookAgainLater(): void {
    this.#mustList = true;
    this.#mayList = false;
  }

  /** The directory could not be read or written. */
  noteFailure(): void {
    this.#hasFailed = true;
    this.lookAgainLater();
  }

  /** A request is queued from now on. */
  admit(job: Job): void {
    this.#jobs.set(job.name, job);
    this.#queuedBytes += bytesOf(job);
    if (this.#queuedBytes >= MAX_QUEUED_BYTES) this.#holdBack();
  }

  /** A job has left: there may be room for another. */
  release(job: Job): void {
    if (this.#jobs.get(job.name) !== job) return;
    this.#jobs.delete(job.name);
    this.#queuedBytes -= bytesOf(job);
    this.#throttle.noteJob();
    this.#stepsOwed = Math.max(0, this.#stepsOwed - 1);
    this.#mayList ||= this.#stepsOwed === 0;
    if (this.#isOpen && this.#isBehind()) this.#options.onWork(this);
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
    this.#restoreWatch();
    this.#hasFailed = false;
    this.#mayList = true;
    this.#stepsOwed = 0;
    if (staleBeforeNs !== undefined) this.#listing.removeStale(staleBeforeNs);
    const isDue = this.#watcher === undefined || this.#listing.removesStale;
    const isServed = this.#waiting.size + this.#jobs.size > 0;
    const hasChanged = mtimeNs !== this.#listedMtimeNs && (isItsTurn || !isServed);
    // A listing under way is finished first: what it misses still shows in the mtime then.
    if (!this.#listing.isUnderWay && (isDue || hasChanged)) {
      this.#mustList = true;
      this.#listedMtimeNs = this.#trust.isRacy(mtimeNs) ? undefined : mtimeNs;
    }
    // Writing into a file that is there leaves the directory's mtime alone.
    if (!wasQuiet) for (const name of [requestName(PLAIN_SLOT), ...this.#empty]) this.notice(name);
    if (this.hasWork) this.#options.onWork(this);
    return true;
  }

  /** Takes a step: the next name to look at, or, before there is one, a step of a listing. */
  take(): Taken {
    if (!this.#isOpen) return { cost: COST.look };
    const touched = takeFirst(this.#touched);
    if (touched !== undefined) return { candidate: { name: touched, held: false }, cost: 0 };
    if (!this.#hasRoom()) return { cost: COST.look };
    const cost = this.#isTimeToList() ? this.#list() : 0;
    if (!this.directory.isReady) return { cost: cost + COST.look };
    const [next] = this.#waiting;
    if (next === undefined) return { cost: cost + COST.look };
    const [name, held] = next;
    this.#waiting.delete(name);
    // It may be answered and gone by the end of the listing.
    this.#listing.forget(name);
    // A VM without its watch may have more on disk than is known.
    if (!this.#isBehind() && !this.#throttle.isMuted) this.#held = false;
    return { candidate: { name, held }, cost };
  }

  /** What comes while there are as many as may be queued waits its turn on disk, and what follows it. */
  #wait(name: string): void {
    this.#held ||= this.#jobs.size + this.#waiting.size >= this.#options.maxQueued();
    if (!this.#waiting.has(name)) this.#waiting.set(name, this.#held);
  }

  #holdBack(): void {
    this.#held ||= this.#isBehind();
    for (const name of this.#waiting.keys()) this.#waiting.set(name, true);
  }

  #hasRoom(): boolean {
    const [isHeld = this.#held] = this.#waiting.values();
    const part = isHeld || this.#options.isCrowded() ? HELD_PART : 1;
    return (
      this.#jobs.size < Math.ceil(part * this.#options.maxQueued()) &&
      this.#queuedBytes < part * MAX_QUEUED_BYTES
    );
  }

  #isListingDue(): boolean {
    return this.#listing.isUnderWay || this.#mustList;
  }

  /** By turns with what waits, if something does. */
  #isTimeToList(): boolean {
    const isDue = this.#isListingDue() && this.#mayList;
    this.#hasListed = isDue && this.#waiting.size < (this.#hasListed ? 1 : FEW_WAITING);
    return this.#hasListed;
  }

  #isBehind(): boolean {
    return this.#waiting.size > 0 || this.#isListingDue();
  }

  /**
   * Reads on in the directory. A part of it that is known makes its requests wait, the oldest first.
   *
   * @returns what it cost.
   */
  #list(): number {
    if (!this.#listing.isUnderWay) this.#mustList = false;
    const requests = Math.max(REQUESTS_PER_PART, this.#options.maxQueued());
    const { part, cost, isPending } = this.#listing.readOn(Math.min(requests, MAX_WAITING));
    if (isPending !== true) this.#stepsOwed += 1;
    if (part === undefined) return cost;
    // Nobody tells of what came since this listing began.
    this.#mustList ||= this.#throttle.isMuted && part.length > 0;
    this.#mayList = false;
    if (this.#listing.isFirst) this.#goOnRecovering();
    for (const name of part) this.#wait(name);
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

  /** After a restart nothing is to wait for a sweep; this happens once, whatever a guest does. */
  #goOnRecovering(): void {
    clearTimeout(this.#recovery);
    this.#recovery = setTimeout(() => {
      this.#mayList = true;
      this.#options.onWork(this);
    }, RECOVERY_PAUSE_MS);
  }

  #watch(): void {
    this.#watcher = watchDirectory(
      this.directory.watchPath,
      'ofRequests',
      (names, others, areLost) => {
        if (!this.#hasHeard) this.#options.onAwake?.(this);
        this.#hasHeard = true;
        const events = names.length + others;
        this.#options.onEvents?.(this, events);
        // The plain request that is held has no request's name any more.
        if (others > 0 && this.directory.isHolding) this.notice(requestName(PLAIN_SLOT));
        for (const name of names) this.notice(name);
        if (this.#throttle.count(events)) this.#mute();
        if (areLost) this.#options.onEventsLost?.();
      },
      (error) => {
        this.#watcher = undefined;
        this.#options.onAwake?.(this);
        this.#options.onWatchLost(error);
      },
    );
  }

  #restoreWatch(): void {
    this.#throttle.noteSweep();
    if (this.#throttle.isMuted) return;
    this.#hasHeard = false;
    if (this.#watcher === undefined) this.#watch();
  }

  #mute(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#mustList = true;
    this.#mayList = true;
    this.#options.onMuted?.(this);
    this.#options.onWork(this);
  }
}

/** As int32. */
function bytesOf({ request }: Job): number {
  return 4 * (request.a.length + request.b.length);
}

function takeFirst(names: Set<string>): string | undefined {
  for (const first of names) return names.delete(first) ? first : undefined;
  return undefined;
}
