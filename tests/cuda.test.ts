import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { compileStub, describeOnStub } from '../packages/cuda-binding/test/support/stub.js';
import { environment, MEDIATOR, run, TestRoot, type LogLine } from './support/processes.js';

// The mediator with CUDA devices whose driver is our stub (see there): the real addon, the real
// processes, and faults when they are wanted. On a real GPU: tests/gpu.
describeOnStub('vgpu-mediator on CUDA devices', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot([1]);
  });
  afterEach(() => {
    root.remove();
  });

  /** Serves requests 1+10, 2+20 and so on, dropped in this order. */
  async function serve(
    count: number,
    stub: { devices: number; faults?: string },
    ...flags: string[]
  ) {
    const ids = Array.from({ length: count }, (_, i) => `r${i + 1}`);
    for (const [i, id] of ids.entries()) {
      root.drop(1, id, `A:2:1:${i + 1}:${10 * (i + 1)}\n`);
      // Further apart than the tick with which older kernels stamp files.
      await sleep(20);
    }
    const env = {
      ...environment,
      LD_LIBRARY_PATH: compileStub(),
      VGPU_STUB_DEVICES: String(stub.devices),
      VGPU_STUB_FAULTS: stub.faults ?? '',
    };
    const fixed = ['--root', root.path, '--once', '--log-format', 'json'];
    const backend = flags.includes('--backend') ? [] : ['--backend', 'cuda'];
    const finished = await run(process.execPath, [MEDIATOR, ...fixed, ...backend, ...flags], {
      env,
    });
    const log = finished.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
    return {
      status: finished.status,
      answers: ids.map((id) => readFileSync(root.in(1, `response-${id}.txt`), 'utf8').trim()),
      logged: (message: string) => log.filter((line) => line.message === message),
    };
  }

  it('serves with all that there are', async () => {
    const { status, answers, logged } = await serve(20, { devices: 3 });
    expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => String(11 * (i + 1))));
    expect(logged('device ready').map(({ index, backend }) => [index, backend])).toEqual(
      expect.arrayContaining([0, 1, 2].map((index) => [index, 'cuda'])),
    );
    expect(status).toBe(0);
  });

  it('serves with the others when one can not be opened, and never with the CPU', async () => {
    const stub = { devices: 3, faults: 'cuCtxCreate_v2@2=2' };
    const { status, answers, logged } = await serve(4, stub, '--backend', 'auto');
    expect(answers).toEqual(['11', '22', '33', '44']);
    expect(logged('device ready').map(({ backend }) => backend)).toEqual(['cuda', 'cuda']);
    expect(logged('cannot open the device; trying again')).toHaveLength(1);
    expect(status).toBe(0);
  });

  it('loses no request and no order when a device is lost again and again', async () => {
    // A device runs two kernels when it is opened, in every process that opens it: so each process
    // here serves two requests and breaks at the third, which the next one serves first.
    const { status, answers, logged } = await serve(6, {
      devices: 1,
      faults: 'kernel@5=fault:700',
    });
    expect(answers).toEqual(['11', '22', '33', '44', '55', '66']);
    expect(logged('request finished').map(({ slot }) => slot)).toEqual([
      'r1',
      'r2',
      'r3',
      'r4',
      'r5',
      'r6',
    ]);
    expect(logged('the device is lost; reopening it')).toHaveLength(2);
    expect(status).toBe(0);
  });

  it('answers a request that meets a lost device twice', async () => {
    // Every process breaks at its first request. The third fault takes the device out of service for
    // a while, after which it breaks again: so there is one request only.
    const { status, answers } = await serve(1, { devices: 1, faults: 'kernel@3=fault:719' });
    expect(answers).toEqual([
      expect.stringMatching(/^ERROR:DEVICE_FAILED:.*CUDA_ERROR_LAUNCH_FAILED/),
    ]);
    expect(status).toBe(0);
  });

  it('answers a request that a device refuses, which goes on', async () => {
    const faults = 'cuLaunchKernel@4=701';
    const { status, answers, logged } = await serve(3, { devices: 1, faults });
    expect(answers).toEqual([
      '11',
      expect.stringMatching(/^ERROR:DEVICE_FAILED:.*CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES/),
      '33',
    ]);
    expect(logged('device ready')).toHaveLength(1);
    expect(status).toBe(0);
  });

  it('answers a request whose device hangs, and serves the next in another process', async () => {
    const faults = 'kernel@4=hang';
    const { status, answers } = await serve(3, { devices: 1, faults }, '--exec-limit', '300');
    expect(answers).toEqual(['11', expect.stringMatching(/^ERROR:DEADLINE:/), '33']);
    expect(status).toBe(0);
  });
});
