import { EventEmitter } from 'node:events';
import type { Ticket, VmRequests } from '../scheduling/request-source.js';
import type { MediatorSettings } from '../settings.js';
import type { FileVersion } from './file-version.js';
import type { Settling } from './settling.js';
import type { VmDirectory } from './vm-directory.js';

/** The file of a request that is admitted. */
export interface AdmittedFile extends Ticket {
  /** What it takes up in memory. */
  readonly bytes: number;
  /** Whether the name still stands for the file that was read. */
  readonly isUntouched: boolean;
}

/** One VM's share of the spool, as its parts and the spool see it: see `vm-spool.ts`. */
export interface Share extends VmRequests {
  readonly directory: VmDirectory;
  /** Requests without a newline, which may be half written. */
  readonly settling: Settling;
  /** Whether nothing at all is left to read, but for what failed and is tried again later. */
  readonly isDrained: boolean;
  /** Whether nothing is left to do, and the watch would tell of a change. */
  readonly isIdle: boolean;
  /** Whether the directory could not be read or written since the last scan. */
  readonly hasFailed: boolean;

  /** Something has happened to a name. */
  notice(name: string): void;

  /** A request is queued from now on. */
  admit(file: AdmittedFile): void;

  /** A request has left: there may be room for another. */
  release(file: AdmittedFile): void;

  /** A directory has been answered in a request's place, and cannot be removed. */
  leave(name: string, version: FileVersion): void;

  /**
   * The directory could not be read or written: everything is found again by the next scan.
   *
   * @throws `error`, if it is not one of a system call.
   */
  noteFailure(error: unknown): void;

  /**
   * Looks for what inotify has not told, at the cost of one system call where nothing happened.
   *
   * @param staleBeforeNs If given, responses older than this that nobody fetched are removed.
   * @param isItsTurn See `Finder.noteScan`.
   * @returns false if the directory has been removed.
   * @throws the error of the system call that failed.
   */
  scan(staleBeforeNs?: bigint, isItsTurn?: boolean): boolean;

  /** Lets the directory go; its tickets are void. */
  close(): void;
}

export interface ShareOptions {
  readonly root: string;
  readonly vm: number;
  /** How many requests of a VM may be queued at once; what is beyond waits on disk. */
  readonly limits: { maxQueued(vm: number): number };
  /** Whether all VMs are held to a part of that, as one is whose requests waited on disk. */
  readonly queue: { readonly isOverloaded: boolean };
  readonly settings: Pick<MediatorSettings, 'settleMs'>;
  readonly events: SpoolEvents;
}

/** What VM directories tell the spool of. */
export interface ShareEvents {
  /** There is something to do for a VM. */
  work: [spool: Share];
  /** Something has happened in a directory that need not lead to anything: it is not idle any more. */
  active: [spool: Share];
  /** A VM has caused a cost outside of its steps. */
  charged: [share: Share, cost: number];
  /** A directory could not be read. */
  failed: [share: Share, error: unknown];
  /** Something could not be done about a request. */
  requestFailed: [share: Share, name: string, error: unknown];
  /** A request was cleared that a mediator has answered before it was killed. */
  requestCleared: [share: Share, name: string];
  /** A VM causes too many events, and is only scanned for some time. */
  throttled: [spool: Share];
  /** There is no watch on a directory: watches have run out, for example. */
  watchLost: [error: Error];
  /** The kernel's queue has overflowed, and events of any directory may be lost. */
  eventsLost: [];
  /** Responses were removed that nobody has fetched. */
  staleRemoved: [share: Share, files: number];
}

/** Told by all VM directories, heard by their spool. */
export class SpoolEvents extends EventEmitter<ShareEvents> {}
