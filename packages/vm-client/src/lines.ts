import { decodeAnswer, encodeRequest, type Request } from '@vgpu/protocol';
import { RequestRejectedError, translateRefusal, VgpuError } from './errors.js';

/**
 * Writes the line that asks for a sum.
 *
 * @throws VgpuError `BAD_REQUEST`, `LENGTH_MISMATCH` or `TOO_LARGE`.
 */
export function requestLine(request: Request): string {
  return translateRefusal(undefined, () => encodeRequest(request));
}

/**
 * Reads the line that answers a request.
 *
 * @param length How many numbers were asked for.
 * @throws RequestRejectedError if the mediator refused.
 * @throws VgpuError `BAD_RESPONSE` if it is no answer to this request.
 */
export function sumIn(line: string, length: number): Int32Array {
  const answer = translateRefusal('answer', () => decodeAnswer(line));
  if ('code' in answer) throw new RequestRejectedError(answer.code, answer.text);
  if (answer.sum.length === length) return answer.sum;
  throw new VgpuError(
    'BAD_RESPONSE',
    `expected an answer of ${length} numbers, got ${answer.sum.length}; ` +
      'see what else uses this slot',
  );
}
