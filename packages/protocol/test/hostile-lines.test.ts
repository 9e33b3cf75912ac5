/** A line that is made to be expensive costs at most as much as a valid one of its length. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMIT } from './helpers.js';
import { loadInstrumented } from './fuzz/instrumented.js';

const { protocol, counters } = await loadInstrumented();

const fill = (piece: string, length: number) =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
const line = (text: string) => `${fill(text, LIMIT - 1)}\n`;
const after = (start: string, piece: string) => start + line(piece).slice(start.length);

/** The longest line of the shortest numbers. */
const half = fill('1,', LIMIT / 2 - 8).replace(/,$/, '1');
const VALID = `A:2:1:${half}:${half}\n`;

const REQUESTS = {
  colons: line(':'),
  commas: line(','),
  'commas for a list': after('A:2:1:', ','),
  'one long number': line('9'),
  'one long number for a list': after('A:2:1:1:', '9'),
  'one long negative number for a list': after('A:2:1:1:-', '9'),
  'zeros for a list': after('A:2:1:', '0'),
  'colons and commas': line(':,'),
  'four colons and NULs': after('A:2:1:1:', '\0'),
  NULs: line('\0'),
  'carriage returns': line('\r'),
  newlines: line('\n'),
  'minus signs for a list': after('A:2:1:', '-'),
  'a long list beside one number': `A:2:1:${fill('1,', LIMIT - 20)}1:1\n`,
  'one number beside a long list': `A:2:1:1:${fill('1,', LIMIT - 20)}1\n`,
  'lists that differ by one': `A:2:1:${half}:${half.slice(2)}\n`,
  'a list that ends in a comma': `A:2:1:${half},:${half}\n`,
  'a second list that is wrong at its end': `A:2:1:${half}:${half}x\n`,
  'a long pool': after('A', 'A').replace(/\n$/, ':2:1:1:1\n').slice(9),
  'a long priority': `A:${fill('2', LIMIT - 20)}:1:1:1\n`,
  'a long VM': `A:2:${fill('1', LIMIT - 20)}:1:1\n`,
  'a wrong VM before long lists': `A:2:x:${half}:${half}\n`,
  'more than is allowed': fill(':', 4 * LIMIT),
};

const ANSWERS = {
  'a wrong end': `${fill('1,', LIMIT - 2)}x\n`,
  'one long number': line('9'),
  commas: line(','),
  'an unknown code': after('ERROR:', 'A'),
  'a text with a NUL': `ERROR:BAD_REQUEST:${fill('a', LIMIT - 30)}\0\n`,
};

/** Functions of texts that may read all of a text, or make a text of each part of it. */
const COPIERS = ['split', 'match', 'matchAll', 'replace', 'replaceAll', 'search'] as const;

describe('the cost of a hostile line', () => {
  const copied: number[] = [];
  beforeEach(() => {
    copied.length = 0;
    for (const name of COPIERS) {
      const original = Reflect.get(String.prototype, name) as (...args: unknown[]) => never;
      const spied = function (this: string, ...args: unknown[]) {
        copied.push(this.length);
        return Reflect.apply(original, this, args);
      };
      jest.spyOn(String.prototype, name).mockImplementation(spied);
    }
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** Statements, functions and branches that run. */
  const stepsOf = (read: (text: string) => unknown, text: string) => {
    counters.fill(0);
    let isRead = true;
    try {
      read(text);
    } catch {
      isRead = false;
    }
    return { isRead, steps: counters.reduce((sum, count) => sum + count, 0) };
  };

  it.each(Object.entries(REQUESTS))('as a request, of %s, is that of one reading', (_, text) => {
    const { isRead, steps } = stepsOf(protocol.decodeRequest, text);
    const valid = stepsOf(protocol.decodeRequest, VALID);
    expect([isRead, valid.isRead]).toEqual([false, true]);
    expect(steps).toBeLessThan(1.05 * valid.steps);
    expect(copied.filter((length) => length > 1000)).toEqual([]);
  });

  it.each(Object.entries(ANSWERS))('as a response, of %s, is that of one reading', (_, text) => {
    const { isRead, steps } = stepsOf(protocol.decodeAnswer, text);
    const valid = stepsOf(protocol.decodeAnswer, `${half},${half}\n`);
    expect([isRead, valid.isRead]).toEqual([false, true]);
    expect(steps).toBeLessThan(1.05 * valid.steps);
    expect(copied.filter((length) => length > 1000)).toEqual([]);
  });
});
