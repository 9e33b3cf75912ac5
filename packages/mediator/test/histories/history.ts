import type { Priority } from '@vgpu/protocol';

/** A request that some client makes; its operands belong to no other. */
export interface Sum {
  readonly id: number;
  readonly vm: number;
  /** The slot's name in the log: an id, or `.`. */
  readonly slot: string;
  readonly priority: Priority;
  readonly line: string;
  readonly response: string;
}

/** A request in the mediator's log. */
interface Logged<K> {
  readonly kind: K;
  readonly mediator: number;
  readonly key: string;
  readonly priority: Priority;
  readonly outcome?: unknown;
  /** The request in the plain slot as it was last read. */
  readonly readId?: number | undefined;
  readonly readNs?: bigint | undefined;
  readonly nowNs: bigint;
}

/** The events of a history, in order. Mediators are counted from 1. */
export type HistoryEvent =
  /** The request stands there as a whole. */
  | {
      readonly kind: 'sent';
      readonly sum: Sum;
      /** As it was written: the newline may be missing. */
      readonly text: string;
      readonly stampNs: bigint;
    }
  /** The client has removed its request; `found` if it was still there. */
  | { readonly kind: 'withdrawn'; readonly sum: Sum; readonly found: boolean }
  /** The client has read a line that it takes for its response. */
  | { readonly kind: 'read'; readonly sum: Sum; readonly text: string }
  | { readonly kind: 'started' | 'killed' | 'stopped'; readonly mediator: number }
  | Logged<'queued'>
  | Logged<'on device'>
  | Logged<'finished'>
  | { readonly kind: 'logged'; readonly mediator: number; readonly text: string }
  /**
   * The mediator has put a line (or nothing) in a response's place. It cannot know of events after
   * `checkedAt`, an index into the history.
   */
  | {
      readonly kind: 'placed';
      readonly key: string;
      readonly text: string;
      readonly checkedAt: number;
    }
  | {
      readonly kind: 'statistics';
      readonly requests: number;
      readonly outcomes: number;
      readonly logged: number;
    }
  /** A system call of the mediator; `failure` if it was made to fail. */
  | {
      readonly kind: 'call';
      readonly call: string;
      readonly path: string;
      readonly failure?: string | undefined;
    }
  /** A step of a client that is nothing of the above. */
  | { readonly kind: 'step'; readonly who: string; readonly what: string };

export const keyOf = ({ vm, slot }: { vm: number; slot: string }): string => `vm${vm}/${slot}`;

/** An event as a line for people. */
export function describeEvent(event: HistoryEvent): string {
  switch (event.kind) {
    case 'sent':
      return `      client sent ${label(event.sum)} ${JSON.stringify(event.text)} at ${event.stampNs}`;
    case 'withdrawn':
      return `      client withdrew ${label(event.sum)}${event.found ? '' : ', which was gone'}`;
    case 'read':
      return `      client of ${label(event.sum)} read ${JSON.stringify(event.text)}`;
    case 'started':
    case 'killed':
    case 'stopped':
      return `=== mediator ${event.mediator} ${event.kind}`;
    case 'queued':
    case 'on device':
    case 'finished':
      return `--- ${event.kind}: ${event.key} ${[event.readId, event.outcome].filter(Boolean).join(' ')}`;
    case 'logged':
      return `--- log: ${event.text}`;
    case 'placed':
      return `--- placed in ${event.key}: ${JSON.stringify(event.text)}`;
    case 'statistics':
      return `--- statistics: ${event.requests} requests, ${event.outcomes} outcomes, ${event.logged} logged`;
    case 'call':
      return `  ${event.call} ${event.path}${event.failure === undefined ? '' : ` -> ${event.failure}`}`;
    case 'step':
      return `      ${event.who}: ${event.what}`;
  }
}

function label(sum: Sum): string {
  return `${sum.id} (${keyOf(sum)}, priority ${sum.priority})`;
}
