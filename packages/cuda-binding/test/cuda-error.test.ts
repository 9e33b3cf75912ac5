import { describe, expect, test } from '@jest/globals';

import { CudaError, DeviceError } from '../src/index.js';

function errorOf(status: number, name: string, operation = 'cuLaunchKernel'): CudaError {
  const failure = { operation, status, name: `CUDA_ERROR_${name}` };
  return new CudaError(
    { ...failure, description: 'the words of the driver' },
    'adding on device 3',
  );
}

test('a CudaError is a DeviceError with what the driver says', () => {
  const error = errorOf(719, 'LAUNCH_FAILED');
  expect(error).toBeInstanceOf(DeviceError);
  expect(error).toMatchObject({
    name: 'CudaError',
    code: 'CUDA_ERROR_LAUNCH_FAILED',
    operation: 'cuLaunchKernel',
    status: 719,
    isDeviceLost: true,
  });
  expect(String(error)).toMatch(
    /^CudaError: adding on device 3: cuLaunchKernel failed with CUDA_ERROR_LAUNCH_FAILED \(719, the words of the driver\): close the device and reopen it/,
  );
});

describe('says whether the device is lost and what to do', () => {
  test.each([
    [1, 'INVALID_VALUE', false, 'see this name in the CUDA Driver API documentation'],
    [2, 'OUT_OF_MEMORY', false, 'use smaller vectors or fewer at a time, or free memory'],
    [3, 'NOT_INITIALIZED', true, 'see whether `nvidia-smi` works'],
    [34, 'STUB_LIBRARY', true, 'remove the toolkit’s stub library from the library path'],
    [46, 'DEVICE_UNAVAILABLE', true, 'another process holds the device for itself'],
    [100, 'NO_DEVICE', true, 'see whether `nvidia-smi` lists a GPU'],
    [205, 'MAP_FAILED', false, 'see this name'],
    [206, 'UNMAP_FAILED', false, 'see this name'],
    [209, 'NO_BINARY_FOR_GPU', true, 'this GPU is older than compute capability 7.5'],
    [214, 'ECC_UNCORRECTABLE', true, 'memory of the GPU is faulty'],
    [304, 'OPERATING_SYSTEM', false, 'see this name'],
    [700, 'ILLEGAL_ADDRESS', true, 'close the device and reopen it'],
    [701, 'LAUNCH_OUT_OF_RESOURCES', false, 'see this name'],
    [702, 'LAUNCH_TIMEOUT', true, 'close the device and reopen it'],
    [712, 'HOST_MEMORY_ALREADY_REGISTERED', false, 'see this name'],
    [713, 'HOST_MEMORY_NOT_REGISTERED', false, 'see this name'],
    [719, 'LAUNCH_FAILED', true, 'close the device and reopen it'],
    [720, 'COOPERATIVE_LAUNCH_TOO_LARGE', false, 'see this name'],
    [800, 'NOT_PERMITTED', false, 'see this name'],
    [801, 'NOT_SUPPORTED', false, 'see this name'],
    [802, 'SYSTEM_NOT_READY', true, 'start nvidia-fabricmanager'],
    [803, 'SYSTEM_DRIVER_MISMATCH', true, 'reboot, or reload the module'],
    [804, 'COMPAT_NOT_SUPPORTED_ON_DEVICE', true, 'the driver is too old'],
    [999, 'UNKNOWN', true, 'close the device and reopen it'],
    // One that a later driver may add.
    [12_345, 'OF_THE_FUTURE', true, 'close the device and reopen it'],
  ])('%d, %s', (status, name, isDeviceLost, remedy) => {
    const error = errorOf(status, name);
    expect(error.isDeviceLost).toBe(isDeviceLost);
    expect(error.message).toContain(`(${status}, the words of the driver): `);
    expect(error.message).toContain(remedy);
  });

  test('a device with faulty memory can be tried again', () => {
    expect(errorOf(214, 'ECC_UNCORRECTABLE').message).toMatch(/; close the device and reopen it/);
  });
});

describe('says what fits the call, not the status alone', () => {
  test.each([
    ['cuInit', 2, 'free memory of this machine'],
    ['cuInit', 3, 'see whether `nvidia-smi` works'],
    ['cuInit', 100, 'a container has only the GPUs that it is given'],
    ['cuInit', 304, 'modprobe nvidia-uvm'],
    ['cuInit', 700, 'see whether `nvidia-smi` works'],
    ['cuInit', 802, 'start nvidia-fabricmanager'],
    ['cuInit', 803, 'reboot'],
    ['cuInit', 804, 'remove the package from the library path'],
    ['cuInit', 805, 'MPS'],
    ['cuInit', 999, '/dev/nvidia-uvm'],
    ['cuDeviceGetCount', 4, 'see whether `nvidia-smi` works'],
    ['cuDeviceGet', 101, 'list the devices again'],
    ['cuDeviceGetName', 999, 'see whether `nvidia-smi` works'],
    ['cuCtxCreate', 2, 'free memory of the GPU'],
    ['cuCtxCreate', 36, 'update the driver'],
    ['cuCtxCreate', 46, 'another process holds the device'],
    ['cuCtxCreate', 214, 'is faulty (`nvidia-smi -q -d ECC`); open the device in another process'],
    ['cuCtxCreate', 700, 'open the device in another process'],
    ['cuCtxCreate', 999, 'open the device in another process'],
    ['cuModuleLoadData', 2, 'free memory of the GPU'],
    ['cuModuleLoadData', 209, 'older than compute capability 7.5'],
    ['cuModuleLoadData', 222, 'update the driver'],
    ['cuModuleGetFunction', 500, 'open the device in another process'],
    ['cuMemHostRegister', 2, 'free memory of this machine'],
    ['cuStreamSynchronize', 999, 'close the device and reopen it'],
  ])('%s, %d', (operation, status, remedy) => {
    const { message } = errorOf(status, 'ANY', operation);
    expect(message).toContain(remedy);
    // These fail before a device is open.
    if (/^cu(?:Init|Device|Ctx|Module)/.test(operation)) expect(message).not.toContain('close the');
  });
});
