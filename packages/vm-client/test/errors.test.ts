import { describe, expect, test } from '@jest/globals';
import { ErrorCode, ProtocolError } from '@vgpu/protocol';
import {
  exitCodeOf,
  type FailureCode,
  RequestRejectedError,
  translateRefusal,
  VgpuError,
} from '../src/errors.js';
import { shareError } from '../src/share-error.js';
import { errnoError } from './faulty-share.js';
import { STATUS_OF_FAILURE, STATUS_OF_REJECTION } from './statuses.js';

describe('exitCodeOf', () => {
  test.each(Object.entries(STATUS_OF_FAILURE))('%s found here is %i', (code, status) => {
    expect(exitCodeOf(new VgpuError(code as FailureCode, 'x'))).toBe(status);
  });

  test.each(Object.entries(STATUS_OF_REJECTION))('%s from the mediator is %i', (code, status) => {
    expect(exitCodeOf(new RequestRejectedError(code as ErrorCode, 'x'))).toBe(status);
  });

  test.each([new Error('x'), 'x', undefined])('%p is 70', (error) => {
    expect(exitCodeOf(error)).toBe(70);
  });
});

describe('VgpuError', () => {
  test('is an AbortError where the caller aborted, and only there', () => {
    expect(new VgpuError('ABORTED', 'x').name).toBe('AbortError');
    expect(new VgpuError('TIMEOUT', 'x').name).toBe('VgpuError');
  });

  test.each(ErrorCode.options)('a rejection keeps the text of %s and says more', (code) => {
    const error = new RequestRejectedError(code, 'the text');
    expect(error).toMatchObject({ code, text: 'the text' });
    expect(error.message).toContain(`${code}: the text`);
  });
});

describe('translateRefusal', () => {
  test('keeps code and cause of what a codec refused', () => {
    const cause = new ProtocolError({
      code: 'OUT_OF_RANGE',
      field: 'a',
      expected: 'less',
      received: 'more',
    });
    const refused = () =>
      translateRefusal('request', () => {
        throw cause;
      });
    expect(refused).toThrow(
      expect.objectContaining({
        code: 'OUT_OF_RANGE',
        cause,
        message: 'request: a: expected less, got more',
      }),
    );
  });

  test('leaves other errors alone', () => {
    const defect = new TypeError('x');
    expect(() =>
      translateRefusal('request', () => {
        throw defect;
      }),
    ).toThrow(defect);
  });
});

describe('shareError', () => {
  test.each([
    ['ENOENT', 'SHARE_UNAVAILABLE'],
    ['ENOTDIR', 'SHARE_UNAVAILABLE'],
    ['ESTALE', 'SHARE_UNAVAILABLE'],
    ['EIO', 'SHARE_UNAVAILABLE'],
    ['EHOSTUNREACH', 'SHARE_UNAVAILABLE'],
    ['EACCES', 'NO_PERMISSION'],
    ['EPERM', 'NO_PERMISSION'],
    ['ENOSPC', 'CANNOT_CREATE'],
    ['EDQUOT', 'CANNOT_CREATE'],
    ['EROFS', 'CANNOT_CREATE'],
    ['EMFILE', 'CANNOT_CREATE'],
    ['ENOTEMPTY', 'BAD_RESPONSE'],
  ] as const)('%s is %s', (name, code) => {
    const cause = errnoError(name);
    const error = shareError('do it', cause, 'BAD_RESPONSE');
    expect(error).toMatchObject({ code, cause });
    expect(error.message).toMatch(/^cannot do it: .*; \w/);
  });

  test('gives errors of this package as they are', () => {
    const error = new VgpuError('TIMEOUT', 'x');
    expect(shareError('do it', error, 'BAD_RESPONSE')).toBe(error);
  });
});
