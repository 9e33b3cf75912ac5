import { watch, type FSWatcher } from 'node:fs';
import { requestName, slotOfRequest, PLAIN_SLOT } from '@vgpu/protocol';
import type { Job } from '../job.js';
import { isRacy } from './racy.js';
import { Settling } from './settling.js';
import { VmDirectory } from './vm-directory.js';

/** Names remembered per VM beyond the queued ones; what is beyond is found again on disk. */
const MAX_WAITING = 1024;
/** Directory entries looked at per VM and sweep. */
const MAX_ENTRIES = 4096;

export interface VmSpoolOptions {
  readonly root: string;
  readonly vm: number;
  /** Requests that may be queued at once; what is beyond waits on disk. */
  readonly maxQueued: () => number;
  readonly settleMs: () => number;
  /** Called when there is a name to look at. */
  readonly onWork: (spool: VmSpool) => void;
  readonly onWatchLost: (error: Error) => void;
  readonly onStaleRemoved: (spool: VmSpool, files: number) => void;
}

/** A name to look at; `held` if it waited on disk because its VM was over its queue limit. */
export interface Candidate {
  readonly name: string;
  readonly held: boolean;
}

/**
 * One VM's share of the spool: which names have to be looked at, and what is queued.
 *
 * inotify is the fast way to learn of a request, the sweep the sure one: events are lost when the
 * kernel's queue overflows, when watches run out, and for what other hosts do on a network file
 * system.
 */
export class VmSpool {
  readonly directory: VmDirectory;
  /** Requests without a newline, which may be half written. */
  readonly settling: Settling;
  /** Admitted and not yet answered, by the name of the request file. */
  readonly jobs = new Map<string, Job>();
  readonly #options: VmSpoolOptions;
  /** To be looked at when there is room, oldest first. */
  readonly #waiting = new Set<string>();
  /** Queued requests that something has happened to. */
  readonly #touched = new Set<string>();
  #watcher: FSWatcher | undefined;
  #moreOnDisk = true;
  /** A listing that found nothing is not gone on with before the next sweep. */
  #mayList = true;
  #held = false;
  #recovered = false;
  #listedMtimeNs: bigint | undefined;
  #staleBeforeNs: bigint | undefined;

  /** @throws the error of open(2). */
  constructor(options: VmSpoolOptions) {
    this.#options = options;
    this.directory = new VmDirectory(options.root, options.vm);
    this.settling = new Settling(options.settleMs, (name) => {
      this.notice(name);
    });
    this.#watch();
  }

  get vm(): number {
    return this.directory.vm;
  }

  /** Whether there is anything to do at once: names to look at, and room for what they hold. */
  get hasWork(): boolean {
    const hasNames = this.#waiting.size > 0 || (this.#moreOnDisk && this.#mayList);
    return this.#touched.size > 0 || (hasNames && this.#hasRoom());
  }

  /** Whether anything at all waits to be looked at. */
  get isDrained(): boolean {
    return this.#touched.size === 0 && this.settling.size === 0 && !this.#isBehind();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.settling.close();
    this.directory.close();
  }

  /** Something has happened to a name. */
  notice(name: string): void {
    if (slotOfRequest(name) === undefined) return;
    if (this.jobs.has(name)) this.#touched.add(name);
    else if (this.#waiting.size < MAX_WAITING) this.#waiting.add(name);
    else this.#moreOnDisk = true;
    this.#options.onWork(this);
  }

  /** Something could not be done now: everything is looked at again by the next sweep. */
  lookAgainLater(): void {
    this.#moreOnDisk = true;
    this.#mayList = false;
  }

  /** A job has left: there may be room for another. */
  release(job: Job): void {
    if (this.jobs.get(job.name) === job) this.jobs.delete(job.name);
    if (this.#isBehind()) this.#options.onWork(this);
  }

  /**
   * Looks for what inotify has not told, at the cost of two system calls where nothing happened.
   *
   * @param staleBeforeNs If given, answers older than this that nobody fetched are removed.
   * @returns false if the directory has been removed.
   */
  sweep(staleBeforeNs?: bigint): boolean {
    const { exists, mtimeNs } = this.directory.refresh();
    if (!exists) return false;
    this.#staleBeforeNs = staleBeforeNs ?? this.#staleBeforeNs;
    // An old client writes the same file again and again, which leaves the directory's mtime alone.
    this.notice(requestName(PLAIN_SLOT));
    this.#mayList = true;
    const isDue = this.#watcher === undefined || this.#staleBeforeNs !== undefined;
    if (isDue || mtimeNs !== this.#listedMtimeNs) {
      this.#moreOnDisk = true;
      this.#listedMtimeNs = isRacy(mtimeNs) ? undefined : mtimeNs;
      this.#options.onWork(this);
    }
    return true;
  }

  /** The next name to look at; undefined if there is none, or no room for it. */
  take(): Candidate | undefined {
    for (const name of this.#touched) {
      this.#touched.delete(name);
      return { name, held: false };
    }
    if (!this.#hasRoom()) {
      this.#held ||= this.#isBehind();
      return undefined;
    }
    if (this.#waiting.size === 0 && this.#moreOnDisk && this.#mayList) this.#list();
    for (const name of this.#waiting) {
      this.#waiting.delete(name);
      return { name, held: this.#held };
    }
    this.#held &&= this.#moreOnDisk;
    return undefined;
  }

  #hasRoom(): boolean {
    return this.jobs.size < this.#options.maxQueued();
  }

  #isBehind(): boolean {
    return this.#waiting.size > 0 || this.#moreOnDisk;
  }

  /** Makes the oldest requests of the next part of a listing wait. */
  #list(): void {
    const { names, complete } = this.directory.list(MAX_ENTRIES);
    if (!this.#recovered) this.directory.recover(names);
    this.#recovered ||= complete;
    if (this.#staleBeforeNs !== undefined) this.#removeStale(names, this.#staleBeforeNs);
    if (complete) this.#staleBeforeNs = undefined;
    this.#moreOnDisk = !complete;
    const found: { name: string; ctimeNs: bigint }[] = [];
    for (const name of names) {
      if (slotOfRequest(name) === undefined || this.jobs.has(name)) continue;
      const ctimeNs = this.directory.ctimeNs(name);
      if (ctimeNs !== undefined) found.push({ name, ctimeNs });
    }
    found.sort((a, b) => Number(a.ctimeNs - b.ctimeNs));
    for (const { name } of found.slice(0, MAX_WAITING)) this.#waiting.add(name);
    this.#moreOnDisk ||= found.length > MAX_WAITING;
    this.#mayList = found.length > 0;
  }

  #removeStale(names: string[], beforeNs: bigint): void {
    const files = this.directory.removeStale(names, beforeNs);
    if (files > 0) this.#options.onStaleRemoved(this, files);
  }

  #watch(): void {
    const lost = (error: unknown) => {
      this.#watcher?.close();
      this.#watcher = undefined;
      this.#options.onWatchLost(error as Error);
    };
    try {
      this.#watcher = watch(this.directory.watchPath, (_event, name) => {
        if (name !== null) this.notice(name);
      });
      this.#watcher.on('error', lost);
    } catch (error) {
      lost(error);
    }
  }
}
