/** What a request says, before anybody has made something of it. */
export type Content =
  /** One character for each byte (latin1). */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'too-large'; readonly bytes: bigint }
  /** Nothing that can be read as a request; `what` names it for people. */
  | { readonly kind: 'irregular'; readonly what: string };

/** A request that is complete, and that nothing has been done about yet. */
export interface Arrival {
  readonly ticket: Ticket;
  readonly content: Content;
}

/** What a step for a VM gave, and what it cost (see {@link COST}). */
export interface Step {
  readonly arrival?: Arrival;
  /** An admitted request that is gone, or another one by now. */
  readonly superseded?: Ticket;
  readonly cost: number;
}

/** A response can never be put in place; its request has been removed. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError';
  readonly code = 'UNDELIVERABLE';
}

/**
 * A request on the host to which it was handed over. It never leaves that host, and holds nothing that is not
 * there as well.
 *
 * It is *new*, then *admitted* until it is *released* or *withdrawn*; or it is responded to while it is new.
 */
export interface Ticket {
  /** Those of its VM. */
  readonly requests: VmRequests;
  /** The request's name, for people. */
  readonly name: string;
  /** A named slot's id; `.`, which no id can be, for the plain slot. */
  readonly slot: string;
  /** Nanoseconds since the epoch, by the host's clock: what decides among equals. */
  readonly arrivalNs: bigint;

  /**
   * From now on the request takes up a place in its VM's queue limit.
   *
   * @param bytes What it takes up in memory.
   * @returns what that cost.
   * @throws the source's error: see {@link VmRequests.fail}.
   */
  admit(bytes: number): number;

  /**
   * Whether the request is still the one that was read; undefined if nobody can say so now.
   *
   * @param withinMs A check is left out for a request that was read less than this ago (milliseconds),
   *   if its slot is used once.
   */
  isCurrent(withinMs?: number): boolean | undefined;

  /**
   * Puts a response in place, then clears the request; does nothing if the request is not the one that was
   * read. A crash in between costs a repeated computation, never a response.
   *
   * @param line The response, newline included.
   * @throws UndeliverableError
   * @throws the source's error: see {@link VmRequests.explain}. The request is still there then.
   */
  respond(line: string): 'delivered' | 'withdrawn';

  /** The request is done with: there may be room for another one. */
  release(): void;

  /** The request is not the one that was read any more: it is done with, and what has its place is found. */
  withdraw(): void;
}

/** The requests of one VM. */
export interface VmRequests {
  readonly vm: number;
  /** Those that are admitted. */
  readonly admitted: Iterable<Ticket>;
  readonly admittedCount: number;
  /** Whether {@link next} has something to do: something to read, and room for it. */
  readonly hasWork: boolean;
  /** Whether nothing can be read or written at present; that passes soon. */
  readonly isLocked: boolean;

  /** Has something done once they are not locked any more, or gone. */
  whenUnlocked(act: () => void): void;

  /** Does the least that can be done to find a request. */
  next(): Step;

  /**
   * Something could not be done about a request now: it is found again later.
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

/** What a source knows of a VM. */
export interface SourceVm {
  readonly vm: number;
  /** Requests that are admitted. */
  readonly queued: number;
  /** Whether its requests could not be read at the last attempt. */
  readonly hasFailed: boolean;
}

/**
 * Where requests come from, and where responses go. It says by the mediator's events that a VM has something
 * to read (`work`), and that the requests of a VM are gone (`requestsGone`).
 */
export interface RequestSource {
  /** Begins to find requests. */
  open(): void;

  /** Lets everything go, once nothing is left to do or after two seconds. */
  close(): Promise<void>;

  /** Finds VMs that have come since. */
  refresh(): void;

  /**
   * Finds what nobody has told of.
   *
   * @param staleBeforeNs If given, responses older than this that nobody fetched are removed.
   */
  scan(staleBeforeNs?: bigint): void;

  /** The queue limits of VMs may have changed. */
  noteLimits(): void;

  /** Whether no VM has anything left to read. */
  readonly isDrained: boolean;
  /** Whether VMs could be found at the last attempt. */
  readonly isReadable: boolean;
  /** VMs whose requests could not be read or responded to at the last attempt, and the source itself. */
  readonly failures: number;
  readonly vmCount: number;
  has(vm: number): boolean;

  /** Every VM, also one whose requests cannot be read. */
  vms(): IterableIterator<SourceVm>;
}
