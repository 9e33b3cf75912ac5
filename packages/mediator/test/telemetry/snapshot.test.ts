import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DeviceFault } from '../../src/devices/execution.js';
import type { DeviceSnapshot } from '../../src/telemetry/snapshot.js';
import { Mediator } from '../../src/mediator.js';
import { Registry } from '../../src/state/registry.js';
import type { FinishedRequest } from '../../src/telemetry/finished-request.js';
import { FakeManualAdder, LOST } from '../support/fakes.js';
import { TestHost } from '../support/test-host.js';
import { until } from '../support/until.js';
import { named } from '../support/vm-files.js';

let host: TestHost;
let adder: FakeManualAdder;

beforeEach(() => {
  host = new TestHost(Mediator);
  adder = new FakeManualAdder();
});

afterEach(async () => {
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

/** Keeps what it is told. */
class Witness {
  readonly finished: FinishedRequest[] = [];
  readonly changes: { readonly device: DeviceSnapshot; readonly fault: DeviceFault | undefined }[] =
    [];

  requestFinished(request: FinishedRequest): void {
    this.finished.push(request);
  }

  deviceChanged(device: DeviceSnapshot, fault?: DeviceFault): void {
    this.changes.push({ device, fault });
  }
}

async function finishAll(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await until('a request is on the device', () => adder.inFlight === 1);
    adder.finish();
  }
}

describe('a snapshot', () => {
  test('is plain data', async () => {
    const mediator = await host.start([adder]);
    const snapshot = mediator.snapshot();
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(snapshot).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      root: host.root,
      stateDir: host.stateDir,
      phase: 'serving',
      isRootReadable: true,
      devices: [{ executor: 0, device: 0, backend: 'cpu', name: 'fake', state: 'idle' }],
      vms: [],
    });
    expect(snapshot.uptimeMs).toBeGreaterThan(0);
  });

  test('can be had before the start and after the end', async () => {
    const mediator = host.mediator([adder]);
    expect(mediator.snapshot()).toMatchObject({ phase: 'new', devices: [{ state: 'closed' }] });
    await mediator.start();
    await mediator.stop();
    expect(mediator.snapshot()).toMatchObject({
      phase: 'stopping',
      devices: [{ state: 'stopped' }],
    });
  });

  test('counts the queued requests, with the age of the oldest of each priority', async () => {
    const mediator = await host.start([adder]);
    const files = host.vm(1);
    files.put(named('a'), 'A:2:1:1:1\n');
    await until('it is on the device', () => adder.inFlight === 1);
    for (const id of ['b', 'c']) files.put(named(id), 'B:0:1:1:1\n');
    files.put(named('d'), 'A:1:1:1:1\n');
    await until('three are queued', () => mediator.queued === 3);
    const { queue, devices, vms } = mediator.snapshot();
    expect(queue.queued).toBe(3);
    expect(queue.depths.filter(({ queued }) => queued > 0)).toEqual([
      { pool: 'A', priority: 1, queued: 1 },
      { pool: 'B', priority: 0, queued: 2 },
    ]);
    expect(queue.oldest).toEqual([
      { priority: 2, ageMs: null },
      { priority: 1, ageMs: expect.any(Number) },
      { priority: 0, ageMs: expect.any(Number) },
    ]);
    for (const { ageMs } of queue.oldest) expect(ageMs ?? 0).toBeLessThan(60_000);
    expect(devices).toMatchObject([{ state: 'busy', jobs: 1 }]);
    expect(vms).toMatchObject([{ vm: 1, queued: 4, requests: 0, recentWaitMs: null }]);
    await finishAll(4);
    await until('all are answered', () => host.served.length === 4);
    expect(mediator.snapshot()).toMatchObject({
      queue: { queued: 0 },
      devices: [{ jobs: 4, busyMs: expect.any(Number) }],
      vms: [{ queued: 0, answered: 4, recentWaitMs: { p50: expect.any(Number) } }],
    });
  });

  test('knows registered VMs, and others by what they were served as', async () => {
    const registry = new Registry(host.stateDir);
    registry.set(9, { pool: 'A', priority: 0 });
    registry.set(8, { pool: 'B', priority: 2, suspended: true });
    registry.set(1, { pool: 'B', priority: 1 });
    const mediator = await host.start([adder]);
    host.vm(1).put(named('x'), 'A:2:1:1:1\n');
    await finishAll(1);
    host.vm(10).put(named('x'), 'A:0:10:1:1\n');
    await finishAll(1);
    host.vm(11);
    symlinkSync(host.root, join(host.root, 'vm12'));
    await until('all are known', () => mediator.snapshot().vms.length === 6);
    expect(mediator.snapshot().vms).toMatchObject([
      { vm: 1, registered: true, pool: 'B', priority: 1, state: 'active', claimsOverridden: 1 },
      { vm: 8, registered: true, pool: 'B', priority: 2, state: 'suspended', answered: 0 },
      { vm: 9, registered: true, pool: 'A', priority: 0, state: 'absent', answered: 0 },
      { vm: 10, registered: false, pool: 'A', priority: 0, state: 'active', answered: 1 },
      { vm: 11, registered: false, pool: null, priority: null, state: 'active', answered: 0 },
      { vm: 12, registered: false, pool: null, priority: null, state: 'failing', answered: 0 },
    ]);
    mediator.configure({ requireRegistration: true });
    expect(mediator.snapshot().vms.map(({ state }) => state)).toEqual([
      'active',
      'suspended',
      'absent',
      'refused',
      'refused',
      'refused',
    ]);
  });
});

describe('an observer', () => {
  test('is told of requests, as they end', async () => {
    new Registry(host.stateDir).set(1, { pool: 'B', priority: 1 });
    const witness = new Witness();
    const mediator = host.mediator([adder]);
    mediator.observe(witness);
    await mediator.start();
    const files = host.vm(1);
    files.put(named('good'), 'A:2:1:1:1\n');
    await finishAll(1);
    await until('it is answered', () => witness.finished.length === 1);
    files.put(named('bad'), 'A:2:1:1:<b>\n');
    await until('the other is rejected', () => witness.finished.length === 2);
    const [good, bad] = witness.finished;
    const times = { waitMs: expect.any(Number), execMs: expect.any(Number) };
    expect(good).toEqual({
      vm: 1,
      slot: 'good',
      pool: 'B',
      priority: 1,
      isClaimOverridden: true,
      outcome: 'OK',
      ...times,
      device: 0,
      durationMs: expect.any(Number),
    });
    const { waitMs = NaN, execMs = NaN, durationMs = NaN } = good ?? {};
    expect(durationMs).toBeGreaterThanOrEqual(waitMs + execMs);
    expect(bad).toEqual({
      vm: 1,
      slot: 'bad',
      outcome: 'BAD_REQUEST',
      error: expect.stringContaining('<b>'),
    });
  });

  test('is told of devices that are opened and lost', async () => {
    const witness = new Witness();
    const mediator = host.mediator([adder]);
    mediator.observe(witness);
    await mediator.start();
    host.vm(1).put(named('x'), 'A:2:1:1:1\n');
    await until('it is on the device', () => adder.inFlight === 1);
    adder.fail(LOST);
    await until('the device is reopened', () => witness.changes.length === 3);
    expect(witness.changes).toMatchObject([
      { device: { state: 'idle', faults: 0 }, fault: undefined },
      { device: { state: 'closed', faults: 1 }, fault: { kind: 'lost', message: LOST.message } },
      { device: { state: 'idle', faults: 1 }, fault: undefined },
    ]);
    await finishAll(1);
    await until('it is answered', () => host.served.length === 1);
  });
});
