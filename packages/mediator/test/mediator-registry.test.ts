import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { Mediator } from '../src/mediator.js';
import { Registry } from '../src/registry.js';
import { FakeManualAdder } from './support/fakes.js';
import { TestHost } from './support/test-host.js';
import { nextTick, until } from './support/until.js';
import { named } from './support/vm-files.js';

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
    await until('both are answered', () => host.served.length === 2);
    expect(adder.started).toEqual([2, 1]);
    expect(mediator.statistics().claimsOverridden).toEqual({ 1: 1, 2: 1 });
    expect(host.logger.finished).toMatchObject([
      { vm: 2, pool: 'B', priority: 2, claimedPool: 'A', claimedPriority: 0 },
      { vm: 1, pool: 'A', priority: 0, claimedPool: 'A', claimedPriority: 2 },
    ]);

    registry.remove(2);
    mediator.reloadRegistry();
    second.write(named('y'), 'B:2:2:1:1\n');
    await until('it is refused', () => second.answer(named('y')).startsWith('ERROR:UNKNOWN_VM:'));
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
    await until('it is answered', () => files.answer(X) === '3\n');
  });
});
