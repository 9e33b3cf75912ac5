import { types } from 'node:util';

import { DeviceError } from './device-error.js';
import type { DeviceInfo } from './vector-adder.js';

// Checks of the arguments of a call. Each function returns the error, or `undefined` if the arguments
// are valid, so that a constructor can throw it and a promise can reject with it. Parameters are
// `unknown` because calls from JavaScript are checked too. No function throws, whatever the value.

/** The error of vectors that can't be added, into `out` if that is given. */
export function vectorError(a: unknown, b: unknown, out?: unknown): DeviceError | undefined {
  // Not `instanceof`: an array from another realm (a vm context, a worker's message) is as good.
  if (!types.isInt32Array(a) || !types.isInt32Array(b)) {
    return new DeviceError(
      'OUT_OF_RANGE',
      `expected two Int32Arrays, received ${received(a)} and ${received(b)}: convert them first, for example with Int32Array.from`,
    );
  }
  if (a.length !== b.length) {
    return new DeviceError(
      'LENGTH_MISMATCH',
      `expected two vectors of equal length, received ${a.length} and ${b.length} elements: cut or pad one of them`,
    );
  }
  return out === undefined ? undefined : outError(out, a, b);
}

/** The error of options of `add`, except `out`, which `vectorError` checks. */
export function addOptionsError(options: unknown): DeviceError | undefined {
  return objectError(options) ?? callbackError('onDeviceTime', options);
}

/** The error of options of `openDevice` that have a wrong type. */
export function openOptionsError(options: unknown): DeviceError | undefined {
  const invalid = objectError(options) ?? callbackError('onFallback', options);
  if (invalid !== undefined) return invalid;
  const { isolated } = options as { readonly isolated?: unknown };
  if (isolated === undefined || typeof isolated === 'boolean') return undefined;
  return new DeviceError(
    'INVALID_OPTION',
    `expected \`isolated\` to be true or false, received ${received(isolated)}: leave it out for false`,
  );
}

function objectError(options: unknown): DeviceError | undefined {
  if (typeof options === 'object' && options !== null) return undefined;
  return new DeviceError(
    'INVALID_OPTION',
    `expected an object of options, received ${received(options)}: leave it out for the defaults`,
  );
}

function callbackError(name: string, options: unknown): DeviceError | undefined {
  const callback = (options as Readonly<Record<string, unknown>>)[name];
  if (callback === undefined || typeof callback === 'function') return undefined;
  return new DeviceError(
    'INVALID_OPTION',
    `expected \`${name}\` to be a function, received ${received(callback)}: leave it out for none`,
  );
}

function outError(out: unknown, a: Int32Array, b: Int32Array): DeviceError | undefined {
  if (!types.isInt32Array(out) || out.length !== a.length) {
    const what = types.isInt32Array(out) ? `${out.length} elements` : received(out);
    return new DeviceError(
      'INVALID_OPTION',
      `expected \`out\` to be an Int32Array of ${a.length} elements, received ${what}: leave it out for a new array`,
    );
  }
  if (!overlapsPartly(out, a) && !overlapsPartly(out, b)) return undefined;
  return new DeviceError(
    'INVALID_OPTION',
    'expected `out` to be an operand itself or to overlap none, received one that overlaps an operand partly: give another array',
  );
}

/** The error of a length that no array can have. */
export function lengthError(length: unknown): DeviceError | undefined {
  if (Number.isSafeInteger(length) && Number(length) >= 0 && Number(length) <= MAX_LENGTH) {
    return undefined;
  }
  return new DeviceError(
    'INVALID_OPTION',
    `expected a length from 0 to ${MAX_LENGTH} elements, received ${received(length)}: give a whole number`,
  );
}

/** The error of numbers that are not int32 integers. */
export function scalarError(a: unknown, b: unknown): DeviceError | undefined {
  if (isInt32(a) && isInt32(b)) return undefined;
  return new DeviceError(
    'OUT_OF_RANGE',
    `expected two integers from -2147483648 to 2147483647, received ${received(a)} and ${received(b)}: round or wrap them first, for example with \`value | 0\``,
  );
}

/** The error of a call to a closed device. */
export function closedError({ backend, index }: DeviceInfo): DeviceError {
  return new DeviceError(
    'DEVICE_CLOSED',
    `expected an open device, received a call after close() of ${backend} device ${index}: open another one`,
  );
}

/** The error of an index that no device can have. */
export function indexError(index: unknown): DeviceError | undefined {
  if (Number.isSafeInteger(index) && Number(index) >= 0) return undefined;
  return new DeviceError(
    'INVALID_OPTION',
    `expected \`index\` to be an integer of 0 or more, received ${received(index)}: count devices from 0`,
  );
}

/** The error of a delay that no operation can have. */
export function delayError(option: string, delayMs: unknown): DeviceError | undefined {
  if (Number.isFinite(delayMs) && Number(delayMs) >= 0) return undefined;
  return new DeviceError(
    'INVALID_OPTION',
    `expected \`${option}\` to be a finite number of milliseconds, 0 or more, received ${received(delayMs)}: leave it out for no delay`,
  );
}

/** The error of an unknown backend. */
export function backendError(backend: unknown): DeviceError | undefined {
  if (backend === 'auto' || backend === 'cuda' || backend === 'cpu') return undefined;
  return new DeviceError(
    'INVALID_OPTION',
    `expected \`backend\` to be 'auto', 'cuda' or 'cpu', received ${received(backend)}: choose one of the three`,
  );
}

/** The smallest maximum of V8 (Node 20): 4 GiB, with 4 bytes for each element. */
const MAX_LENGTH = 2 ** 30;

function overlapsPartly(x: Int32Array, y: Int32Array): boolean {
  if (x.buffer !== y.buffer || x.byteOffset === y.byteOffset) return false;
  return x.byteOffset < y.byteOffset + y.byteLength && y.byteOffset < x.byteOffset + x.byteLength;
}

function isInt32(value: unknown): boolean {
  // The first test keeps symbols and bigints, which throw on `|`, away from the second.
  return Number.isInteger(value) && (Number(value) | 0) === value;
}

function received(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  if (types.isTypedArray(value)) return value[Symbol.toStringTag];
  if (Array.isArray(value)) return 'an array';
  return value === null ? 'null' : `a value of type ${typeof value}`;
}
