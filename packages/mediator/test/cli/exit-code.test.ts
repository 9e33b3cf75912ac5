import { expect, test } from '@jest/globals';
import { DeviceError } from '@vgpu/cuda-binding';
import { errorText, exitCodeOf } from '../../src/cli/failure.js';
import { MediatorError, type MediatorErrorCode } from '../../src/mediator-error.js';
import { systemError } from '../support/fake-fs.js';

test.each<{ code: MediatorErrorCode; status: number }>([
  { code: 'USAGE', status: 64 },
  { code: 'ALREADY_REGISTERED', status: 65 },
  { code: 'NOT_REGISTERED', status: 65 },
  { code: 'ALREADY_RUNNING', status: 69 },
  { code: 'VM_DIRECTORY_UNUSABLE', status: 73 },
  { code: 'ROOT_UNUSABLE', status: 73 },
  { code: 'STATE_DIR_UNUSABLE', status: 73 },
  { code: 'INVALID_CONFIG', status: 78 },
])('$code gives $status', ({ code, status }) => {
  expect(exitCodeOf(new MediatorError(code, 'why'))).toBe(status);
  expect(exitCodeOf(new MediatorError(code, 'why', { cause: systemError('ENOENT') }))).toBe(status);
});

test.each(['EACCES', 'EPERM'])('%s as the cause gives 77', (code) => {
  for (const what of ['ROOT_UNUSABLE', 'STATE_DIR_UNUSABLE'] as const) {
    expect(exitCodeOf(new MediatorError(what, 'why', { cause: systemError(code) }))).toBe(77);
  }
});

test('a device that cannot be opened gives 69', () => {
  expect(exitCodeOf(new DeviceError('BACKEND_UNAVAILABLE', 'no CUDA'))).toBe(69);
});

test.each([new Error('a defect'), 'thrown', undefined, null])(
  'everything else gives 70',
  (error) => {
    expect(exitCodeOf(error)).toBe(70);
  },
);

test('an error is a line for people, or one of JSON', () => {
  const error = new MediatorError('NOT_RUNNING', 'no mediator is running');
  expect(errorText(error, false)).toBe('vgpu-mediator: no mediator is running');
  const json = { error: { code: 'NOT_RUNNING', message: 'no mediator is running' } };
  expect(JSON.parse(errorText(error, true))).toEqual(json);
  const defect = new Error('a defect');
  expect(errorText(defect, false)).toBe(`vgpu-mediator: ${defect.stack ?? ''}`);
  expect(JSON.parse(errorText(defect, true))).toEqual({
    error: { code: 'INTERNAL', message: 'a defect' },
  });
});
