import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { Mediator } from '../../src/mediator.js';
import { Registry } from '../../src/state/registry.js';
import { FakeManualAdder } from '../support/fakes.js';
import { TestHost } from '../support/test-host.js';
import { nextTick, until } from '../support/until.js';
import { named } from '../support/vm-files.js';

const X = named('x');
let host: TestHost;

beforeEach(() => {
  host = new TestHost(Mediator);
});

afterEach(async () => {
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

describe('the registry', () => {
  test('decides about order, and its change counts once it is read again', async () => {
    const [first, second] = [host.vm(1), host.vm(2)];
    const registry = new Registry(host.stateDir);
    registry.set(1, { pool: 'A', priority: 0 });
    registry.set(2, { pool: 'B', priority: 2 });
    // Both say the opposite.
    first.write(X, 'A:2:1:1:1\n');
    await nextTick();
    second.write(X, 'A:0:2:2:1\n');
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder], { requireRegistration: true });
    await until('one is on the device', () => adder.inFlight === 1);
    adder.finish();
    await until('the other is on the device', () => adder.inFlight === 1);
    adder.finish();
    await until('both have their responses', () => host.served.length === 2);
    expect(adder.started).toEqual([2, 1]);
    expect(mediator.statistics().claimsOverridden).toEqual({ 1: 1, 2: 1 });
    expect(host.logger.finished).toMatchObject([
      { vm: 2, pool: 'B', priority: 2, claimedPool: 'A', claimedPriority: 0 },
      { vm: 1, pool: 'A', priority: 0, claimedPool: 'A', claimedPriority: 2 },
    ]);

    registry.remove(2);
    mediator.reloadRegistry();
    second.write(named('y'), 'B:2:2:1:1\n');
    await until('it is refused', () =>
      second.responseText(named('y')).startsWith('ERROR:UNKNOWN_VM:'),
    );
  });

  test('that is invalid keeps it from starting, and from forgetting what it knows', async () => {
    const registry = new Registry(host.stateDir);
    registry.set(1, { pool: 'A', priority: 0 });
    const file = join(host.stateDir, 'registry.json');
    const content = readFileSync(file);
    writeFileSync(file, '{}');
    const invalid = expect.objectContaining({ code: 'INVALID_REGISTRY' });
    await expect(host.start([new CpuVectorAdder()])).rejects.toThrow(invalid);
    writeFileSync(file, content);
    const mediator = await host.start([new CpuVectorAdder()], { requireRegistration: true });
    writeFileSync(file, '{}');
    expect(() => {
      mediator.reloadRegistry();
    }).toThrow(invalid);
    const files = host.vm(1);
    files.write(X, 'A:0:1:1:2\n');
    await until('it has its response', () => files.responseText(X) === '3\n');
  });

  test('that suspends a VM rejects its queued requests, and lets the device finish', async () => {
    const [first, second] = [host.vm(1), host.vm(2)];
    const registry = new Registry(host.stateDir);
    registry.set(1, { pool: 'A', priority: 2 });
    registry.set(2, { pool: 'A', priority: 0 });
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    first.write(X, 'A:2:1:1:1\n');
    await until('one is on the device', () => adder.inFlight === 1);
    for (const id of ['y', 'z']) first.write(named(id), 'A:2:1:2:2\n');
    second.write(X, 'A:0:2:3:3\n');
    await until('the others are queued', () => mediator.queued === 3);

    registry.set(1, { pool: 'A', priority: 2, suspended: true });
    expect(mediator.reloadRegistry()).toBe(2);
    expect(mediator.queued).toBe(1);
    for (const id of ['y', 'z']) {
      expect(first.responseText(named(id))).toMatch(/^ERROR:SUSPENDED:VM 1 is suspended/);
    }
    first.write(named('new'), 'A:2:1:2:2\n');
    await until('it is refused', () =>
      first.responseText(named('new')).startsWith('ERROR:SUSPENDED:'),
    );
    adder.finish();
    await until('the first is answered', () => first.responseText(X) === '2\n');
    await until('that of the other VM is on the device', () => adder.inFlight === 1);
    adder.finish();
    await until('it has its response', () => second.responseText(X) === '6\n');

    registry.set(1, { pool: 'A', priority: 2 });
    mediator.reloadRegistry();
    first.write(named('again'), 'A:2:1:2:2\n');
    await until('it is served again', () => adder.inFlight === 1);
    adder.finish();
    await until('it has its response', () => first.responseText(named('again')) === '4\n');
    expect(adder.started).toEqual([1, 3, 2]);
    expect(mediator.statistics().outcome).toEqual({ SUSPENDED: 3, OK: 3 });
  });

  test('that no longer has a VM rejects its queued requests, if registration is required', async () => {
    const files = host.vm(1);
    const registry = new Registry(host.stateDir);
    registry.set(1, { pool: 'A', priority: 2 });
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder], { requireRegistration: true });
    for (const id of ['x', 'y']) files.write(named(id), 'A:2:1:1:1\n');
    await until('one is queued', () => mediator.queued === 1 && adder.inFlight === 1);
    registry.remove(1);
    expect(mediator.reloadRegistry()).toBe(0);
    expect(mediator.queued).toBe(0);
    adder.finish();
    await until('both have their responses', () => host.served.length === 2);
    expect(mediator.statistics().outcome).toEqual({ UNKNOWN_VM: 1, OK: 1 });
  });

  test('gives a VM a queue limit of its own', async () => {
    const [first, second] = [host.vm(1), host.vm(2)];
    new Registry(host.stateDir).set(1, { pool: 'A', priority: 0, maxQueued: 2 });
    const adder = new FakeManualAdder();
    // No sweep: it looks for a plain request, which would count as one that waits.
    const settings = { maxQueuedPerVm: 4, pollIntervalMs: 60_000 };
    const mediator = await host.start([adder], settings);
    const write = () => {
      for (let n = 0; n < 6; n += 1) {
        // At once: one that was seen empty would count as more than may be queued.
        first.put(named(`n${n}`), 'A:0:1:1:1\n');
        second.put(named(`n${n}`), 'A:0:2:1:1\n');
      }
    };
    write();
    const queuedOf = () => mediator.snapshot().vms.map(({ queued }) => queued);
    await until('as many are queued as may be', () => queuedOf()[1] === 4);
    expect(queuedOf()).toEqual([2, 4]);
    for (let n = 0; n < 12; n += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      expect(queuedOf()[0]).toBeLessThanOrEqual(2);
      adder.finish();
    }
    await until('all have their responses', () => host.served.length === 12);
  });

  test('that raises a queue limit queues the backlog on disk immediately', async () => {
    const files = host.vm(1);
    const registry = new Registry(host.stateDir);
    registry.set(1, { pool: 'A', priority: 0, maxQueued: 2 });
    const adder = new FakeManualAdder();
    const options = { pollIntervalMs: 600_000, maxQueuedPerVm: 3 };
    const mediator = await host.start([adder], options);
    const queued = () => mediator.snapshot().vms[0]?.queued;
    for (let n = 0; n < 8; n += 1) files.put(named(`n${n}`), 'A:0:1:1:1\n');
    await until('as many are queued as may be', () => queued() === 2);
    // An eighth of the limit is for what waited on disk.
    registry.set(1, { pool: 'A', priority: 0, maxQueued: 32 });
    mediator.reloadRegistry();
    await until('four are queued', () => queued() === 4);
    registry.set(1, { pool: 'A', priority: 0 });
    mediator.reloadRegistry();
    mediator.configure({ maxQueuedPerVm: 48 });
    await until('six are queued', () => queued() === 6);
    for (let n = 0; n < 8; n += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      adder.finish();
    }
    await until('all have their responses', () => host.served.length === 8);
    expect(host.outcomes()).toEqual(Array(8).fill('OK'));
  });
});
