import { expect, test } from '@jest/globals';

import { CompletionRing } from '../src/completion-ring.js';

/** A ring of four words, and a function that writes a word as the device does. */
function ringOfFour() {
  const memory = new ArrayBuffer(32);
  const words = new Int32Array(memory);
  return {
    words,
    ring: new CompletionRing(memory, 4),
    complete: (ticket: number, value: number) => {
      words.set([value, ticket], 2 * (ticket % 4));
    },
  };
}

// The last ones have no int32 of the same number, and the same word as ticket 1.
test.each([1, 3, 4, 5, 2 ** 31 - 3, 2 ** 31 + 1, 2 ** 32 - 3])(
  'ticket %d has a value once',
  (ticket) => {
    const { ring, complete, words } = ringOfFour();
    expect(ring.has(ticket)).toBe(false);
    complete(ticket, -7);
    expect(ring.has(ticket)).toBe(true);
    expect(ring.take(ticket)).toBe(-7);
    expect(words).not.toContain(-7);
  },
);

test('a ticket is not taken for another one of the same word', () => {
  const { ring, complete } = ringOfFour();
  complete(1, 10);
  expect(ring.has(5)).toBe(false);
  complete(5, 50);
  expect(ring.has(1)).toBe(false);
  expect(ring.take(5)).toBe(50);
});
