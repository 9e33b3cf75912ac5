import { EventEmitter } from 'node:events';
import type { Ticket, VmRequests } from '../scheduling/request-source.js';
import type { MediatorSettings } from '../settings.js';
import type { FileVersion } from './file-version.js';
import type { Settling } from './settling.js';
import type { VmDirectory } from './vm-directory.js';

/** The file of a request that is admitted. */
export interface AdmittedFile extends Ticket {
  /** Size of its operands in memory. */
  readonly bytes: number;
  /** Whether the name still refers to the file that was read. */
  readonly isUntouched: boolean;

  /** Another file has taken the name: if this one is withdrawn, that one is read next. */
  supersede(): void;
}

/** One VM's share of the spool, as its parts and the spool use it: see `vm-spool.ts`. */
export interface Share extends VmRequests {
  readonly directory: VmDirectory;
  /** Requests without a newline, which may be half written. */
  readonly settling: Settling;
  /** Whether no request is left to read, except those that failed and are retried later. */
  readonly isDrained: boolean;
  /** Whether no work is left, and the watch would report a change. */
  readonly isIdle: boolean;
  /** Whether the directory could not be read or written since the last scan. */
  readonly hasFailed: boolean;

  /** A name was created, changed or removed. */
  notice(name: string): void;

  /** A request is now queued. */
  admit(file: AdmittedFile): void;

  /** The file of this name has superseded a queued request: it is read before the names that wait. */
  readNext(name: string): void;

  /** A request has left the mediator: there may be room for another. */
  release(file: AdmittedFile): void;

  /** A directory at a request's name has got its response, and cannot be removed. */
  leave(name: string, version: FileVersion): void;

  /**
   * The directory could not be read or written: the next scan finds everything again.
   *
   * @throws `error`, if it is not one of a system call.
   */
  recordFailure(error: unknown): void;

  /**
   * Finds changes that inotify has not reported, at the cost of one system call if there are none.
   *
   * @param staleBeforeNs If given, responses older than this that no client fetched are removed.
   * @param isItsTurn See `Finder.noteScan`.
   * @returns false if the directory has been removed.
   * @throws the error of the system call that failed.
   */
  scan(staleBeforeNs?: bigint, isItsTurn?: boolean): boolean;

  /** Closes the directory; its tickets are void. */
  close(): void;
}

export interface ShareOptions {
  readonly root: string;
  readonly vm: number;
  /** How many requests of a VM may be queued at once; further requests wait on disk. */
  readonly limits: { maxQueued(vm: number): number };
  /** While overloaded, every VM is limited to the same share of its queue limit as a VM with a backlog. */
  readonly queue: { readonly isOverloaded: boolean };
  readonly settings: Pick<MediatorSettings, 'settleMs'>;
  readonly events: SpoolEvents;
}

/** Events that VM directories report to the spool. */
export interface ShareEvents {
  /** A VM has work to do. */
  work: [spool: Share];
  /** A directory has changed, perhaps without a new request: it is no longer idle. */
  active: [spool: Share];
  /** A VM has caused a cost outside of its steps. */
  charged: [share: Share, cost: number];
  /** A directory could not be read. */
  failed: [share: Share, error: unknown];
  /** A request could not be read or admitted. */
  requestFailed: [share: Share, name: string, error: unknown];
  /** A request was cleared that had its response from a mediator that was then killed. */
  requestCleared: [share: Share, name: string];
  /** A VM causes too many events; for some time it is only scanned. */
  throttled: [spool: Share];
  /** A directory has no watch: watches have run out, for example. */
  watchLost: [error: Error];
  /** The kernel's queue has overflowed, and events of any directory may be lost. */
  eventsLost: [];
  /** Stale files were removed. */
  staleRemoved: [share: Share, files: number];
}

/** Emitted by all VM directories; their spool subscribes. */
export class SpoolEvents extends EventEmitter<ShareEvents> {}
