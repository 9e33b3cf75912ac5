import { describe, expect, test } from '@jest/globals';
import { DeviceError, sumDevice, type OperationCall } from '@vgpu/cuda-binding';
import { execute } from '../../src/devices/execution.js';
import { FakeFailingAdder, LOST, OUT_OF_MEMORY } from '../support/fakes.js';

const ENDED = new DeviceError('DEVICE_LOST', 'its process ended with signal SIGKILL');
const scalar: OperationCall = { operation: 'add', a: Int32Array.of(1), b: Int32Array.of(2) };
const vector: OperationCall = { operation: 'add', a: Int32Array.of(1, 2), b: Int32Array.of(3, 4) };

describe('an operation that fails on a device', () => {
  test.each([
    ['whose process has ended', ENDED, scalar],
    ['whose process has ended', ENDED, vector],
    ['that has a fault', LOST, scalar],
    ['that has a fault', LOST, vector],
  ])('%s is lost with it: %s', async (_, reason, call) => {
    expect(await execute(sumDevice(new FakeFailingAdder(reason)), call)).toEqual({
      answer: { code: 'DEVICE_FAILED', text: reason.message },
      execMs: expect.any(Number),
      fault: { kind: 'lost', message: reason.message },
    });
  });

  test.each([
    OUT_OF_MEMORY,
    new DeviceError('OUT_OF_MEMORY', 'no memory'),
    // Whatever its message: only errors of a device concern the device.
    Object.assign(new Error('something else'), { code: 'DEVICE_LOST', isDeviceLost: true }),
  ])('alone is no fault of it: %s', async (reason) => {
    expect(await execute(sumDevice(new FakeFailingAdder(reason)), scalar)).toEqual({
      answer: { code: 'DEVICE_FAILED', text: reason.message },
      execMs: expect.any(Number),
    });
  });
});
