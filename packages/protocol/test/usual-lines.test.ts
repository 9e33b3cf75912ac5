import { describe, expect, it } from '@jest/globals';
import {
  AnswerLine,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type Request,
  RequestLine,
} from '@vgpu/protocol';
import * as fc from 'fast-check';
import * as z from 'zod/mini';
import { decodeWith } from '../src/codec.js';
import { writeUsualAnswer, writeUsualRequest } from '../src/usual-lines.js';
import { anyText, anyValue, attempt, mutated, request } from './helpers.js';

/** A spelling that uses nothing of the package. */
const spell = ({ pool, priority, vm, a, b }: Request) =>
  `${pool}:${priority}:${vm}:${[...a].join(',')}:${[...b].join(',')}\n`;

const sumLine = request.map(({ a }) => `${a.join(',')}\n`);
const nearly = (line: fc.Arbitrary<string>) => fc.oneof(line, mutated(line), anyText);

/** The result of the codec alone; undefined if it refuses the input. */
const dataOf = ({ data }: z.core.util.SafeParseResult<unknown>) => data;

/** The result of a function, or all parts of its error. */
function outcomeOf(call: () => unknown) {
  const { value, error } = attempt(call);
  if (error === undefined) return { value };
  const { code, field, expected, received, message } = error;
  return { code, field, expected, received, message };
}

/** The result of a function; undefined if it throws. */
function resultOf<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

describe('lines that are decoded and encoded without the codecs', () => {
  it('have the results and errors of the codecs for every text', () => {
    const replaced = fc
      .tuple(request.map(spell), fc.nat({ max: 4 }), anyText)
      .map(([line, field, text]) => line.split(':').with(field, text).join(':'));
    fc.assert(
      fc.property(fc.oneof(nearly(request.map(spell)), replaced), (text) => {
        const byCodec = () => decodeWith(RequestLine, 'BAD_REQUEST', 'request', text);
        expect(outcomeOf(() => decodeRequest(text))).toEqual(outcomeOf(byCodec));
      }),
    );
    fc.assert(
      fc.property(nearly(sumLine), (text) => {
        const byCodec = () => decodeWith(AnswerLine, 'BAD_ANSWER', 'response', text);
        expect(outcomeOf(() => decodeAnswer(text))).toEqual(outcomeOf(byCodec));
      }),
    );
  });

  it('are encoded as the codecs encode them, or not at all', () => {
    const value = fc.oneof(
      request,
      fc
        .tuple(request, fc.constantFrom('pool', 'priority', 'vm', 'a', 'b'), anyValue)
        .map(([valid, field, other]) => ({ ...valid, [field]: other })),
    );
    fc.assert(
      fc.property(value, (fields) => {
        const expected = dataOf(z.safeEncode(RequestLine, fields));
        expect(resultOf(() => encodeRequest(fields as never))).toEqual(expected);
        expect([expected, undefined]).toContain(writeUsualRequest(fields));
      }),
    );
    const answer = fc.oneof(
      request.map(({ a }) => ({ sum: a })),
      anyValue.map((sum) => ({ sum })),
      anyValue,
    );
    fc.assert(
      fc.property(answer, (fields) => {
        const expected = dataOf(z.safeEncode(AnswerLine, fields as never));
        expect(resultOf(() => encodeAnswer(fields as never))).toEqual(expected);
        expect([expected, undefined]).toContain(writeUsualAnswer(fields as never));
      }),
    );
  });

  it('are the usual ones', () => {
    fc.assert(
      fc.property(request, (fields) => {
        const line = spell(fields);
        expect(decodeRequest(line)).toEqual(fields);
        expect(writeUsualRequest(fields)).toBe(line);
        expect(decodeAnswer(`${fields.a.join(',')}\n`)).toEqual({ sum: fields.a });
        expect(writeUsualAnswer({ sum: fields.a })).toBe(`${fields.a.join(',')}\n`);
      }),
    );
  });
});
