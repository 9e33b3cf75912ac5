import type { AdmittedFile, ShareOptions } from './share.js';

/** Names remembered per VM beyond the queued ones; what is beyond is found again on disk. */
const MAX_WAITING = 1024;
/** Empty request files that are checked by every scan. */
const MAX_EMPTY = 64;
/** Operands of queued requests, in bytes; exceeded by less than one request. */
const MAX_QUEUED_BYTES = 2 ** 20;
/**
 * Requests from the backlog on disk may take up only this part of the VM's queue limits. It is enough to keep
 * devices busy, and what a VM that floods delays its equals by.
 */
const BACKLOG_PART = 1 / 8;

/** A name that may be a request; `deferred` if it waited on disk because its VM was over its queue limit. */
export interface Candidate {
  readonly name: string;
  readonly deferred: boolean;
}

/**
 * What is known of one VM's requests, within bounds.
 *
 * A name *waits* from the moment at which it is noticed until there is room in the queue and its turn comes. It
 * is *deferred* if the VM was over its queue limit by then, as all are that follow it, until none waits any
 * more. Then it is *admitted*, until its response; it is *touched* when something has happened to its file. Or it is *empty*: its writer may fill it without a sign.
 */
export class Backlog {
  readonly #options: Pick<ShareOptions, 'vm' | 'limits' | 'queue'>;
  readonly #admitted = new Map<string, AdmittedFile>();
  /** Oldest first; whether they are deferred. */
  readonly #waiting = new Map<string, boolean>();
  readonly #touched = new Set<string>();
  readonly #empty = new Set<string>();
  #defers = false;
  #queuedBytes = 0;

  constructor(options: Pick<ShareOptions, 'vm' | 'limits' | 'queue'>) {
    this.#options = options;
  }

  /** Admitted and not yet answered, by the name of the request file. */
  get admitted(): ReadonlyMap<string, AdmittedFile> {
    return this.#admitted;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get hasTouched(): boolean {
    return this.#touched.size > 0;
  }

  get empty(): ReadonlySet<string> {
    return this.#empty;
  }

  /** Whether a request needs no finding. */
  has(name: string): boolean {
    return this.#admitted.has(name) || this.#waiting.has(name);
  }

  /** Whether one more may be queued. */
  get hasRoom(): boolean {
    const [isDeferred = this.#defers] = this.#waiting.values();
    const part = isDeferred || this.#options.queue.isOverloaded ? BACKLOG_PART : 1;
    return (
      this.#admitted.size < Math.ceil(part * this.#maxQueued) &&
      this.#queuedBytes < part * MAX_QUEUED_BYTES
    );
  }

  /** Something has happened to a name; false if there is no more room to remember it. */
  notice(name: string): boolean {
    this.#empty.delete(name);
    if (this.#admitted.has(name)) this.#touched.add(name);
    else if (this.#waiting.size < MAX_WAITING) this.wait(name);
    else return false;
    return true;
  }

  /** A request is there, but empty; false if there is no more room to remember it. */
  noticeEmpty(name: string): boolean {
    if (this.#empty.size >= MAX_EMPTY) return false;
    this.#empty.add(name);
    return true;
  }

  /** A request has been found. What comes while as many as may be queued are known is deferred. */
  wait(name: string): void {
    this.#defers ||= this.#admitted.size + this.#waiting.size >= this.#maxQueued;
    if (!this.#waiting.has(name)) this.#waiting.set(name, this.#defers);
  }

  /** The next admitted request that something has happened to. */
  takeTouched(): Candidate | undefined {
    for (const name of this.#touched) {
      this.#touched.delete(name);
      return { name, deferred: false };
    }
    return undefined;
  }

  /**
   * The name that waits longest.
   *
   * @param hasMore Whether there may be more on disk than is known, besides those that wait.
   */
  take(hasMore: boolean): Candidate | undefined {
    for (const [name, deferred] of this.#waiting) {
      this.#waiting.delete(name);
      if (this.#waiting.size === 0 && !hasMore) this.#defers = false;
      return { name, deferred };
    }
    return undefined;
  }

  /**
   * A request is queued from now on.
   *
   * @param hasMore As for {@link take}.
   */
  admit(file: AdmittedFile, hasMore: boolean): void {
    this.#admitted.set(file.name, file);
    this.#queuedBytes += file.bytes;
    if (this.#queuedBytes < MAX_QUEUED_BYTES) return;
    this.#defers ||= hasMore || this.#waiting.size > 0;
    for (const name of this.#waiting.keys()) this.#waiting.set(name, true);
  }

  /** A request has left; false if it was none of these. */
  release(file: AdmittedFile): boolean {
    if (this.#admitted.get(file.name) !== file) return false;
    this.#admitted.delete(file.name);
    this.#queuedBytes -= file.bytes;
    return true;
  }

  get #maxQueued(): number {
    return this.#options.limits.maxQueued(this.#options.vm);
  }
}
