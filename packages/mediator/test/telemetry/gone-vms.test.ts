import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Metrics } from '../../src/http/metrics.js';
import { Mediator } from '../../src/mediator.js';
import { Registry } from '../../src/state/registry.js';
import { FakeManualAdder } from '../support/fakes.js';
import { samplesOf } from '../support/http-client.js';
import { TestHost } from '../support/test-host.js';
import { until } from '../support/until.js';
import { named } from '../support/vm-files.js';

let host: TestHost;
let adder: FakeManualAdder;
let mediator: Mediator;
let metrics: Metrics;

beforeEach(async () => {
  host = new TestHost(Mediator);
  adder = new FakeManualAdder();
  metrics = await Metrics.create();
});
afterEach(async () => {
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

async function start(): Promise<void> {
  mediator = host.mediator([adder]);
  mediator.observe(metrics);
  await mediator.start();
}

function removeDirectory(vm: number): void {
  rmSync(join(host.root, `vm${vm}`), { recursive: true });
}

const isServed = (vm: number) => mediator.snapshot().vms.some((one) => one.vm === vm);

async function samples(): Promise<string[]> {
  const parts = await metrics.exposition(mediator);
  return [...samplesOf(Buffer.concat(parts).toString()).keys()];
}

async function serve(vm: number, requests: number): Promise<void> {
  const before = mediator.statistics().requests;
  const files = host.vm(vm);
  // No number: rejected, which needs no device.
  for (let n = 0; n < requests; n += 1) files.put(named(`r${n}`), `A:2:${vm}:1:x\n`);
  await until('all are rejected', () => mediator.statistics().requests === before + requests);
}

test('a VM whose directory is gone is in nothing any more, and still in all totals', async () => {
  await start();
  await serve(1, 1);
  // Numbers up to the last one, one after the other.
  const numbers = Array.from({ length: 40 }, (_, i) => 4_294_967_295 - i);
  for (const vm of numbers) {
    await serve(vm, 2);
    removeDirectory(vm);
    await until('it is gone', () => !isServed(vm));
  }
  expect(mediator.snapshot()).toMatchObject({
    vms: [{ vm: 1, requests: 1 }],
    totals: { requests: 81, errors: 81, answered: 0 },
  });
  expect(mediator.statistics()).toMatchObject({
    requests: 81,
    outcome: { BAD_REQUEST: 81 },
    vm: { 1: 1 },
  });
  const names = await samples();
  expect(names.filter((name) => name.includes('vm="'))).toEqual([
    'vgpu_requests_total{vm="1",pool="unknown",priority="unknown",outcome="BAD_REQUEST"}',
    'vgpu_vm_device_seconds_total{vm="1"}',
    'vgpu_claims_overridden_total{vm="1"}',
  ]);
  const parts = Buffer.concat(await metrics.exposition(mediator)).toString();
  expect(
    samplesOf(parts).get(
      'vgpu_all_requests_total{pool="unknown",priority="unknown",outcome="BAD_REQUEST"}',
    ),
  ).toBe(81);
});

test('a VM that goes while a request of it is on a device is forgotten after that', async () => {
  await start();
  host.vm(7).put(named('x'), 'A:2:7:1:1\n');
  await until('it is on the device', () => adder.inFlight === 1);
  removeDirectory(7);
  await until('it is gone', () => !isServed(7));
  adder.finish();
  await until('its request has left', () => mediator.statistics().requests === 1);
  expect(mediator.statistics().vm).toEqual({});
  expect((await samples()).filter((name) => name.includes('vm="7"'))).toEqual([]);
  expect(mediator.snapshot().totals.requests).toBe(1);
});

test('a registered VM stays without its directory, until it is not registered any more', async () => {
  const registry = new Registry(host.stateDir);
  registry.set(5, { pool: 'A', priority: 1 });
  await start();
  await serve(5, 3);
  removeDirectory(5);
  await until('it is absent', () => mediator.snapshot().vms[0]?.state === 'absent');
  expect(mediator.snapshot().vms).toMatchObject([{ vm: 5, requests: 3 }]);
  registry.remove(5);
  mediator.reloadRegistry();
  expect(mediator.snapshot()).toMatchObject({ vms: [], totals: { requests: 3 } });
  expect(mediator.statistics().vm).toEqual({});
  // Another VM of its number begins with nothing.
  await serve(5, 1);
  expect(mediator.snapshot().vms).toMatchObject([{ vm: 5, requests: 1 }]);
});
