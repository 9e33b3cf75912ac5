/** A service whose CUDA driver hangs, and one with two GPUs. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as real from '@vgpu/cuda-binding';
import { FakeHungAdder } from '../support/fakes.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/until.js';
import { named, VmFiles } from '../support/vm-files.js';

const never = () => new Promise<never>(() => undefined);
const X = named('x');
/** The destination of a log without a reader. */
const NOWHERE = { waitingBytes: 0, write: () => undefined };

const listDevices = jest.fn<() => Promise<unknown>>();
const openDevice = jest.fn<typeof real.openDevice>();
jest.unstable_mockModule('@vgpu/cuda-binding', () => ({ ...real, listDevices, openDevice }));
const { Service } = await import('../../src/cli/service.js');

let root: string;
let service: InstanceType<typeof Service>;

beforeEach(() => {
  listDevices.mockReset();
  openDevice.mockReset();
  root = join(temporaryDirectory(), 'vgpu');
  service = new Service({ flags: { root, 'log-level': 'error' }, environment: {} }, NOWHERE);
});

afterEach(() => {
  expect(openBelow(root)).toEqual([]);
});

test('serves with every device there is', async () => {
  const files = new VmFiles(root, 7);
  files.write(X, 'A:1:7:100:200\n');
  listDevices.mockResolvedValue([{ index: 0 }, { index: 3 }]);
  openDevice.mockImplementation(() => Promise.resolve(new real.CpuVectorAdder()));
  const running = service.run();
  await until('it serves', () => files.responseText(X) === '300\n');
  service.stop('the test');
  await running;
  expect(openDevice.mock.calls).toMatchObject([
    [{ index: 0, backend: 'cuda' }],
    [{ index: 3, backend: 'cuda' }],
  ]);
});

describe('stopping', () => {
  test('ends a service whose driver hangs while it lists devices', async () => {
    let list: (devices: unknown[]) => void = () => undefined;
    listDevices.mockReturnValue(
      new Promise((resolve) => {
        list = resolve;
      }),
    );
    const running = service.run();
    service.reload();
    service.printStatistics();
    service.stop('the test');
    await running;
    list([{ index: 0 }]);
    await new Promise(setImmediate);
    expect(openDevice).not.toHaveBeenCalled();
  });

  test('ends a service whose device hangs while it is opened', async () => {
    listDevices.mockResolvedValue([{ index: 0 }]);
    openDevice.mockImplementation(never);
    const running = service.run();
    await until('it is being opened', () => openDevice.mock.calls.length === 1);
    service.stop('the test');
    await running;
    expect(openBelow(`${root}-state`)).toEqual([]);
  });

  test('ends a service whose device hangs', async () => {
    const files = new VmFiles(root, 7);
    files.write(X, 'A:1:7:100:200\n');
    const flags = { root, 'log-level': 'error', 'exec-limit': '20' };
    service = new Service({ flags, environment: {} }, NOWHERE);
    listDevices.mockResolvedValue([{ index: 0 }]);
    openDevice.mockResolvedValueOnce(new FakeHungAdder()).mockRejectedValue(new Error('gone'));
    const running = service.run();
    await until('it is reopened', () => openDevice.mock.calls.length === 2);
    expect(files.responseText(X)).toMatch(/^ERROR:DEADLINE:/);
    service.stop('the test');
    await running;
  });
});
