import { PLAIN_SLOT, requestName, slotOfRequest } from '@vgpu/protocol';
import { errnoOf } from '@vgpu/linux';
import { COST } from '../scheduling/cost.js';
import { UndeliverableError, type Step, type VmRequests } from '../scheduling/request-source.js';
import type { Candidate } from './backlog.js';
import type { FileVersion } from './file-version.js';
import { Finder, type Found } from './finder.js';
import { Settling } from './settling.js';
import { SlotReader } from './slot-reader.js';
import type { AdmittedFile, Share, ShareOptions, SpoolEvents } from './share.js';
import { VmDirectory } from './vm-directory.js';

/**
 * One VM's share of the spool: its directory, the {@link Finder} of its requests, and the {@link SlotReader} that
 * reads them.
 *
 * It is *idle* while no work is left and the watch would report a change; else *active*. It has *failed*
 * from an error until the next scan. It is *closed* for good.
 *
 * Memory is bounded, regardless of the guest: 1 MiB of operands and the one request that exceeds it
 * (2^17 bytes), one job for each place in the queue limit, 1200 waiting names of at most 76 characters and
 * 160 in a part of a listing (2100 and 1056 if the queue limit is that high), 64 each of files that settle,
 * that are empty and that could not be removed, and 256 outstanding removals plus one for each job.
 */
export class VmSpool implements Share {
  readonly directory: VmDirectory;
  readonly settling: Settling;
  readonly finder: Finder;
  readonly #events: SpoolEvents;

  readonly #reader: SlotReader;
  #isOpen = true;
  #hasFailed = false;

  /** @throws the error of open(2). */
  constructor(options: ShareOptions) {
    const { root, vm, settings, events } = options;
    this.#events = events;
    const notice = (name: string) => {
      this.notice(name);
    };
    this.directory = new VmDirectory(root, vm, {
      onHeld: () => {
        notice(requestName(PLAIN_SLOT));
      },
      onReady: () => events.emit('work', this),
    });
    this.settling = new Settling(settings, notice);
    this.finder = new Finder(this, options);
    this.#reader = new SlotReader(this, this.finder, events);
  }

  get vm(): number {
    return this.directory.vm;
  }

  get admitted(): Iterable<AdmittedFile> {
    return this.finder.admitted.values();
  }

  get admittedCount(): number {
    return this.finder.admitted.size;
  }

  get hasWork(): boolean {
    return this.#isOpen && this.directory.isReady && this.finder.hasWork;
  }

  get isDrained(): boolean {
    const { hasTouched, isBehind, waiting } = this.finder;
    if (hasTouched || this.settling.size > 0) return false;
    return !isBehind || (this.#hasFailed && waiting === 0);
  }

  get isIdle(): boolean {
    return this.finder.isIdle && this.settling.size === 0 && !this.#hasFailed;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  get isLocked(): boolean {
    return this.directory.isLocked;
  }

  whenUnlocked(act: () => void): void {
    this.directory.whenUnlocked(act);
  }

  close(): void {
    this.#isOpen = false;
    this.finder.close();
    this.settling.close();
    this.directory.close();
  }

  notice(name: string): void {
    if (!this.#isOpen || slotOfRequest(name) === undefined) return;
    this.finder.notice(name);
    this.#events.emit('work', this);
  }

  readNext(name: string): void {
    if (!this.#isOpen) return;
    this.finder.readNext(name);
    this.#events.emit('work', this);
  }

  admit(file: AdmittedFile): void {
    this.finder.admit(file);
  }

  release(file: AdmittedFile): void {
    if (!this.finder.release(file)) return;
    if (this.#isOpen && this.finder.isBehind) this.#events.emit('work', this);
  }

  leave(name: string, version: FileVersion): void {
    this.#reader.leave(name, version);
  }

  fail(name: string, error: unknown): void {
    this.explain(error);
    if (!(error instanceof UndeliverableError)) {
      this.#tryLater();
      this.settling.forget(name);
    }
    this.#events.emit('requestFailed', this, name, error);
  }

  recordFailure(error: unknown): void {
    this.explain(error);
    this.#tryLater();
    this.#events.emit('failed', this, error);
  }

  explain(error: unknown): ReturnType<VmRequests['explain']> {
    const isOfSpool = error instanceof UndeliverableError || errnoOf(error) !== undefined;
    if (!isOfSpool) throw error;
    return this.directory.explain(error);
  }

  scan(staleBeforeNs?: bigint, isItsTurn = true): boolean {
    const { exists, mtimeNs } = this.directory.refresh();
    if (!exists) return false;
    const wasIdle = this.isIdle;
    this.#hasFailed = false;
    this.finder.noteScan(mtimeNs, staleBeforeNs, isItsTurn);
    if (!wasIdle) this.finder.noticeSilent();
    if (this.hasWork) this.#events.emit('work', this);
    return true;
  }

  next(): Step {
    let found: Found;
    try {
      found = this.#isOpen ? this.finder.take() : { cost: COST.read };
    } catch (error) {
      this.recordFailure(error);
      // The cost of a failed step is not known.
      return { cost: COST.response };
    }
    const { candidate, cost } = found;
    if (candidate === undefined) return { cost };
    const step = this.read(candidate);
    return { ...step, cost: step.cost + cost };
  }

  /** Reads the file of a name. */
  read(candidate: Candidate): Step {
    try {
      return this.#reader.read(candidate);
    } catch (error) {
      this.fail(candidate.name, error);
      return { cost: COST.failure };
    }
  }

  #tryLater(): void {
    this.#hasFailed = true;
    this.finder.findLater();
  }
}
