import * as z from 'zod/mini';
import { decodeWith, encodeWith, refuse, Text } from './codec.js';
import { ErrorCode } from './error-codes.js';
import { MAX_LINE_BYTES } from './max-line-bytes.js';
import { Int32List, readInt32List } from './operands.js';
import { printable } from './printable.js';
import { ProtocolError } from './protocol-error.js';
import { writeUsualAnswer } from './usual-lines.js';

const SumAnswer = z.object({
  /** One number for each pair of operands. */
  sum: Int32List,
});

const ErrorAnswer = z.object({
  /** Why there is no sum. */
  code: ErrorCode,
  /** For people: one line of printable ASCII. */
  text: z.string().check(z.regex(/^[\x20-\x7e]*$/, 'one line of printable ASCII')),
});

const ANSWER = 'one or more int32 sums, or an error code and its text';
const ERROR = 'ERROR:';

const Answer = z.union([SumAnswer, ErrorAnswer], ANSWER);
/**
 * A mediator's response: the sum, or the reason why there is none.
 *
 * @useDeclaredType
 */
export type Answer = z.output<typeof Answer>;

/**
 * The response line and its value: `300\n`, `11,22,33\n` or `ERROR:<CODE>:<text>\n`. Only a line
 * that ends in a newline is complete. A sum is never longer than its request: each number has at
 * most one digit more than the longer of its operands.
 */
export const AnswerLine = z.codec(Text, Answer, {
  decode: (text, ctx) => {
    if (!isLine(text)) {
      return refuse(ctx, {
        expected: `one line of at most ${MAX_LINE_BYTES} bytes that ends in a newline`,
      });
    }
    const line = text.slice(0, -1);
    if (!line.startsWith(ERROR)) return { sum: line };
    const colon = line.indexOf(':', ERROR.length);
    const code = ErrorCode.safeParse(line.slice(ERROR.length, colon));
    if (colon < 0 || !code.success) {
      return refuse(ctx, {
        field: 'error code',
        expected: `ERROR:<CODE>:<text> with one of ${ErrorCode.options.join(', ')}`,
      });
    }
    return { code: code.data, text: line.slice(colon + 1) };
  },
  encode: (answer, ctx) => {
    const text = 'sum' in answer ? `${answer.sum}\n` : `ERROR:${answer.code}:${answer.text}\n`;
    return text.length <= MAX_LINE_BYTES
      ? text
      : refuse(ctx, {
          expected: `at most ${MAX_LINE_BYTES} bytes`,
          received: `${text.length} bytes`,
        });
  },
});

/**
 * Decodes a response line.
 *
 * @param text The line, newline included.
 * @throws ProtocolError `BAD_ANSWER`.
 */
export function decodeAnswer(text: string): Answer {
  const isSum = typeof text === 'string' && isLine(text) && !text.startsWith(ERROR);
  if (!isSum) return decodeWith(AnswerLine, 'BAD_ANSWER', 'response', text);
  // Without the codecs: they would read a list a second time to refuse it.
  const sum = readInt32List(text, 0, text.length - 1);
  if (sum instanceof Int32Array) return { sum };
  const received = printable(text);
  throw new ProtocolError({ code: 'BAD_ANSWER', field: 'response', expected: ANSWER, received });
}

const isLine = (text: string) => text.length <= MAX_LINE_BYTES && text.endsWith('\n');

/**
 * Encodes a response line, newline included.
 *
 * @param answer A sum of at least one number, or a code and its text.
 * @throws ProtocolError `BAD_ANSWER`.
 */
export function encodeAnswer(answer: Answer): string {
  return writeUsualAnswer(answer) ?? encodeWith(AnswerLine, 'BAD_ANSWER', 'response', answer);
}
