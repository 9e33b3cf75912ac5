/** The content of a request, before it is decoded. */
export type Content =
  /** One character for each byte (latin1). */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'too-large'; readonly bytes: bigint }
  /** Not readable as a request; `what` names it for people. */
  | { readonly kind: 'irregular'; readonly what: string };

/** A complete request that is neither admitted nor rejected yet. */
export interface Arrival {
  readonly ticket: Ticket;
  readonly content: Content;
}

/** The result of a step for a VM, and its cost (see {@link COST}). */
export interface Step {
  readonly arrival?: Arrival;
  /** An admitted request that is gone, or has become another one. */
  readonly superseded?: Ticket;
  readonly cost: number;
}

/** A response can never be put in place; its request has been removed. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError';
  readonly code = 'UNDELIVERABLE';
}

/**
 * A request on the host that has its file. A ticket never leaves that host, and holds only what belongs to it.
 *
 * It is *new*, then *admitted* until it is *released* or *withdrawn*; or it gets its response while it is new.
 */
export interface Ticket {
  /** The requests of its VM. */
  readonly requests: VmRequests;
  /** The request's name, for people. */
  readonly name: string;
  /** A named slot's id; `.`, which no id can be, for the plain slot. */
  readonly slot: string;
  /** Nanoseconds since the epoch, by the host's clock: decides among requests of equal priority. */
  readonly arrivalNs: bigint;

  /**
   * Gives the request a place in its VM's queue limit.
   *
   * @param bytes Size of its operands in memory.
   * @returns the cost of this call.
   * @throws the source's error: see {@link VmRequests.fail}.
   */
  admit(bytes: number): number;

  /**
   * Whether the request is still the one that was read; undefined if that cannot be checked now.
   *
   * @param withinMs A request that was read less than this ago (milliseconds) is not checked, if its slot is
   *   used only once.
   */
  isCurrent(withinMs?: number): boolean | undefined;

  /**
   * Puts a response in place, then clears the request; does nothing if the request is not the one that was
   * read. A crash in between costs a repeated computation, never a response.
   *
   * @param line The response, newline included.
   * @throws UndeliverableError
   * @throws the source's error: see {@link VmRequests.explain}. The request then still exists.
   */
  respond(line: string): 'delivered' | 'withdrawn';

  /** Ends the request: there may be room for another one. */
  release(): void;

  /** Ends the request because it is no longer the one that was read; a request in its place is found. */
  withdraw(): void;
}

/** The requests of one VM. */
export interface VmRequests {
  readonly vm: number;
  /** The admitted requests. */
  readonly admitted: Iterable<Ticket>;
  readonly admittedCount: number;
  /** Whether {@link next} has a request to read, and room for it. */
  readonly hasWork: boolean;
  /** Whether the requests cannot be read or written at present; that passes soon. */
  readonly isLocked: boolean;

  /** Calls `act` once the requests are unlocked, or gone. */
  whenUnlocked(act: () => void): void;

  /** Takes the smallest step towards finding a request. */
  next(): Step;

  /**
   * A request could not be read, admitted or rejected now: it is found again later.
   *
   * @param error Why; thrown again if it is not the source's.
   */
  fail(name: string, error: unknown): void;

  /**
   * Fields for a log line.
   *
   * @throws `error`, if it is not the source's.
   */
  explain(error: unknown): { readonly error: string; readonly remedy?: string };
}

/** The state of a VM's requests in a source. */
export interface SourceVm {
  readonly vm: number;
  /** Requests that are admitted. */
  readonly queued: number;
  /** Whether its requests could not be read at the last attempt. */
  readonly hasFailed: boolean;
}

/**
 * Where requests come from, and where responses go. It emits the mediator's events `work`, when a VM has a
 * request to read, and `requestsGone`, when the requests of a VM are gone.
 */
export interface RequestSource {
  /** Begins to find requests. */
  open(): void;

  /** Closes everything, once its work is done or after two seconds. */
  close(): Promise<void>;

  /** Finds new VMs. */
  refresh(): void;

  /**
   * Finds requests that no event has reported.
   *
   * @param staleBeforeNs If given, responses older than this that no client fetched are removed.
   */
  scan(staleBeforeNs?: bigint): void;

  /** The queue limits of VMs may have changed. */
  applyLimits(): void;

  /** Whether no VM has a request left to read. */
  readonly isDrained: boolean;
  /** Whether VMs could be found at the last attempt. */
  readonly isReadable: boolean;
  /** Number of VMs whose last read or response failed, plus one if the source itself cannot be read. */
  readonly failures: number;
  readonly vmCount: number;
  has(vm: number): boolean;

  /** Every VM, including VMs whose requests cannot be read. */
  vms(): IterableIterator<SourceVm>;
}
