import type { AdmittedFile, ShareOptions } from './share.js';

/** Names remembered per VM beyond the queued ones; further requests are found again on disk. */
const MAX_WAITING = 1024;
/** Empty request files that are checked by every scan. */
const MAX_EMPTY = 64;
/** Operands of queued requests, in bytes; exceeded by less than one request. */
const MAX_QUEUED_BYTES = 2 ** 20;
/**
 * Requests from the backlog on disk may occupy only this share of the VM's queue limits. The share is enough to
 * keep devices busy, and it bounds how long a flooding VM delays others of the same priority.
 */
const BACKLOG_SHARE = 1 / 8;

/** A name that may be a request's; `deferred` if it waited on disk because its VM was over its queue limit. */
export interface Candidate {
  readonly name: string;
  readonly deferred: boolean;
}

/**
 * The names of one VM's requests, in bounded memory.
 *
 * A name *waits* from the moment at which it is noticed until the queue has room and its turn comes. It is
 * *deferred* if the VM was over its queue limit when it was noticed; so are all names that follow, until none
 * waits any more. Then the name is *admitted*, until its response. An admitted name is *touched* when its file
 * has changed. A name whose file is *empty* is kept apart: its writer may fill the file without an event.
 */
export class Backlog {
  readonly #options: Pick<ShareOptions, 'vm' | 'limits' | 'queue'>;
  readonly #admitted = new Map<string, AdmittedFile>();
  /** Waiting names, oldest first, and whether each is deferred. */
  readonly #waiting = new Map<string, boolean>();
  readonly #touched = new Set<string>();
  readonly #empty = new Set<string>();
  #defers = false;
  #queuedBytes = 0;

  constructor(options: Pick<ShareOptions, 'vm' | 'limits' | 'queue'>) {
    this.#options = options;
  }

  /** Admitted requests without a response, by the name of the request file. */
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

  /** Whether a request is already waiting or admitted. */
  has(name: string): boolean {
    return this.#admitted.has(name) || this.#waiting.has(name);
  }

  /** Whether one more request may be queued. */
  get hasRoom(): boolean {
    const [isDeferred = this.#defers] = this.#waiting.values();
    const share = isDeferred || this.#options.queue.isOverloaded ? BACKLOG_SHARE : 1;
    return (
      this.#admitted.size < Math.ceil(share * this.#maxQueued) &&
      this.#queuedBytes < share * MAX_QUEUED_BYTES
    );
  }

  /** Records a change of a name; false if there is no room to remember the name. */
  notice(name: string): boolean {
    this.#empty.delete(name);
    if (this.#admitted.has(name)) this.#touched.add(name);
    else if (this.#waiting.size < MAX_WAITING) this.wait(name);
    else return false;
    return true;
  }

  /** Has a name read before those that wait: its file has superseded a queued request. */
  readNext(name: string): void {
    this.#touched.add(name);
  }

  /** Records an empty request file; false if there is no room to remember its name. */
  noticeEmpty(name: string): boolean {
    if (this.#empty.size >= MAX_EMPTY) return false;
    this.#empty.add(name);
    return true;
  }

  /** Records a request that was found. It is deferred if the known requests already fill the queue limit. */
  wait(name: string): void {
    this.#defers ||= this.#admitted.size + this.#waiting.size >= this.#maxQueued;
    if (!this.#waiting.has(name)) this.#waiting.set(name, this.#defers);
  }

  /** The next name whose request was admitted, and whose file has changed. */
  takeTouched(): Candidate | undefined {
    for (const name of this.#touched) {
      this.#touched.delete(name);
      return { name, deferred: false };
    }
    return undefined;
  }

  /**
   * The name that has waited longest.
   *
   * @param hasMore Whether the disk may hold requests whose names are not known.
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
   * Records that a request is queued.
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

  /** Records that a request has left the mediator; false if it was not admitted here. */
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
