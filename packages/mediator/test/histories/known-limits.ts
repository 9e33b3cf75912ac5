import type { RequestState } from './check.js';
import type { HistoryEvent } from './history.js';

/**
 * A response that a client of the plain slot may read although it is not its own, because two files cannot
 * be changed at once. This ends when the mediator admits the client's request, and empties the
 * response.
 *
 * @param own The client's request. @param other The request whose response it has read.
 */
export function isExcused(
  history: readonly HistoryEvent[],
  own: RequestState,
  other?: RequestState,
): boolean {
  const isPlain = own.sum.slot === '.';
  if (!isPlain || own.queuedAt !== undefined || other === undefined) return false;
  return hadTwoResponses(history, other) || wasGoneInLastMoment(other);
}

/** A kill between the response and the clearing costs a repeated computation. */
function hadTwoResponses(history: readonly HistoryEvent[], { placed }: RequestState): boolean {
  const [first, ...again] = placed;
  const last = again.at(-1);
  if (first === undefined || last === undefined) return false;
  return history.slice(first.at, last.at).some(({ kind }) => kind === 'killed');
}

/** The request was taken back, or replaced, between the mediator's last check and its response. */
function wasGoneInLastMoment({ placed, goneAt = Infinity }: RequestState): boolean {
  return placed.some(({ at, checkedAt }) => checkedAt <= goneAt && goneAt < at);
}
