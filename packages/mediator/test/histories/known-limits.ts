import type { RequestState } from './check.js';
import type { HistoryEvent } from './history.js';

/**
 * What a client of the plain slot may read although it is not its answer, because two files cannot
 * be changed at once. It ends when the mediator takes the client's request up, and empties the
 * answer.
 *
 * @param own The client's request. @param other The request whose answer it has read.
 */
export function isExcused(
  history: readonly HistoryEvent[],
  own: RequestState,
  other?: RequestState,
): boolean {
  const isPlain = own.sum.slot === '.';
  if (!isPlain || own.queuedAt !== undefined || other === undefined) return false;
  return wasAnsweredAgain(history, other) || wasGoneInLastMoment(other);
}

/** A kill between the answer and the clearing costs a repeated computation. */
function wasAnsweredAgain(history: readonly HistoryEvent[], { placed }: RequestState): boolean {
  const [first, ...again] = placed;
  const last = again.at(-1);
  if (first === undefined || last === undefined) return false;
  return history.slice(first.at, last.at).some(({ kind }) => kind === 'killed');
}

/** The request was taken back, or replaced, between the mediator's last look and its answer. */
function wasGoneInLastMoment({ placed, goneAt = Infinity }: RequestState): boolean {
  return placed.some(({ at, lookedAt }) => lookedAt <= goneAt && goneAt < at);
}
