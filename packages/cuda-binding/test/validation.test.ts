import { describe, expect, test } from '@jest/globals';

import { lengthError, vectorError } from '../src/validation.js';

describe('out', () => {
  const buffer = new ArrayBuffer(400);
  const view = (begin: number, length = 10) => new Int32Array(buffer, 4 * begin, length);
  const [a, b] = [view(20), view(50)];

  test.each([
    ['an array of its own', new Int32Array(10)],
    ['the first operand', a],
    ['the second operand', b],
    ['another view of an operand', view(20)],
    ['what ends where an operand begins', view(10)],
    ['what begins where an operand ends', view(60)],
  ])('may be %s', (_, out) => {
    expect(vectorError(a, b, out)).toBeUndefined();
  });

  test.each([
    ['what reaches one element into the first operand', view(11)],
    ['what begins at the last element of the first operand', view(29)],
    ['what reaches one element into the second operand', view(41)],
    ['what begins at the last element of the second operand', view(59)],
  ])('may not be %s', (_, out) => {
    expect(vectorError(a, b, out)).toMatchObject({
      name: 'DeviceError',
      code: 'INVALID_OPTION',
      message:
        'expected `out` to be an operand itself or to overlap none, received one that overlaps an operand partly: give another array',
    });
  });

  test('of no elements overlaps nothing', () => {
    expect(vectorError(view(20, 0), view(50, 0), view(25, 0))).toBeUndefined();
  });

  test.each([
    [new Int32Array(9), '9 elements'],
    [new Int32Array(11), '11 elements'],
    [new Uint32Array(10), 'Uint32Array'],
    [[1], 'an array'],
    [null, 'null'],
    ['a', '"a"'],
    [Symbol('a'), 'a value of type symbol'],
  ])('may not be something else: %p', (out, received) => {
    expect(vectorError(a, b, out)).toMatchObject({
      code: 'INVALID_OPTION',
      message: `expected \`out\` to be an Int32Array of 10 elements, received ${received}: leave it out for a new array`,
    });
  });
});

describe('a length', () => {
  test.each([0, 1, 1000, 2 ** 30])('may be %d', (length) => {
    expect(lengthError(length)).toBeUndefined();
  });

  test.each([
    [-1, '-1'],
    [0.5, '0.5'],
    [2 ** 30 + 1, '1073741825'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    ['1', '"1"'],
    [1n, 'a value of type bigint'],
    [undefined, 'a value of type undefined'],
    [null, 'null'],
  ])('may not be %p', (length, received) => {
    expect(lengthError(length)).toMatchObject({
      name: 'DeviceError',
      code: 'INVALID_OPTION',
      message: `expected a length from 0 to 1073741824 elements, received ${received}: give a whole number`,
    });
  });
});
