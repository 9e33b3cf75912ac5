import { printable } from '@vgpu/protocol';
import { MediatorError } from './mediator-error.js';
import type { MediatorOptions } from './options.js';

/**
 * Checks options for callers without a type checker, whose mistakes would otherwise cause other
 * errors much later.
 *
 * @throws MediatorError `INVALID_CONFIG`.
 */
export function checkOptions(options: MediatorOptions): MediatorOptions {
  check('options', options, isObject(options), 'an object');
  const { root, stateDir, devices, deviceNumbers, logger } = options;
  check('root', root, isPath(root), 'the path of a directory');
  check('stateDir', stateDir, isPath(stateDir), 'the path of a directory');
  const areFunctions = Array.isArray(devices) && devices.every(isFunction);
  check('devices', devices, areFunctions, 'an array of functions that each open a device');
  const areNumbers = Array.isArray(deviceNumbers) && deviceNumbers.every(isIndex);
  const isNoneOrAll = deviceNumbers === undefined || areNumbers;
  check('deviceNumbers', deviceNumbers, isNoneOrAll, 'an array of whole numbers');
  const isLogger =
    isObject(logger) && LEVELS.every((level) => isFunction(Reflect.get(logger, level)));
  check('logger', logger, isLogger, `an object with the functions ${LEVELS.join(', ')}`);
  return options;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isFunction = (value: unknown) => typeof value === 'function';
const isIndex = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isPath = (value: unknown) =>
  typeof value === 'string' && value !== '' && !value.includes('\0');

function check(name: string, value: unknown, isValid: boolean, expected: string): void {
  if (isValid) return;
  // `String` throws for objects that have no text.
  const received = isObject(value) ? 'an object of another kind' : printable(String(value));
  throw new MediatorError('INVALID_CONFIG', `${name}: expected ${expected}, got ${received}`);
}
