import { constants } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { errnoOf, isErrno, systemError } from '../src/errno.js';

describe('isErrno', () => {
  test('knows ESTALE where Node has no name for it', () => {
    const error = Object.assign(new Error('Unknown system error -116'), {
      errno: -116,
      code: 'Unknown system error -116',
    });
    expect(constants.errno.ESTALE).toBe(116);
    expect(isErrno(error, 'ENOENT', 'ESTALE')).toBe(true);
    expect(isErrno(error, 'ENOENT')).toBe(false);
  });

  test.each([undefined, null, 'ENOENT', new Error('ENOENT'), { errno: 2 }])(
    '%p is none',
    (value) => {
      expect(isErrno(value, 'ENOENT')).toBe(false);
    },
  );
});

describe('errnoOf', () => {
  test('is the name in errno(3), by the number where there is one', () => {
    expect(errnoOf({ code: 'Unknown system error -116', errno: -116 })).toBe('ESTALE');
    expect(errnoOf({ code: 'ENOENT' })).toBe('ENOENT');
  });

  test.each([undefined, null, 'ENOENT', new Error('ENOENT'), { code: 'ERR_ASSERTION' }])(
    'is none of %p',
    (value) => {
      expect(errnoOf(value)).toBeUndefined();
    },
  );
});

describe('systemError', () => {
  test('is as Node has them', () => {
    const error = systemError(-constants.errno.EXDEV, 'rename', '/a', '/b');
    expect(error.message).toBe("EXDEV: cross-device link not permitted, rename '/a' -> '/b'");
    expect(error).toMatchObject({
      code: 'EXDEV',
      errno: -constants.errno.EXDEV,
      syscall: 'rename',
      path: '/a',
      dest: '/b',
    });
  });

  test('has a number where Node has no name', () => {
    expect(systemError(-999, 'open').message).toBe('E999: unknown error, open');
  });
});
