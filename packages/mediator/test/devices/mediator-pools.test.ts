import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Mediator } from '../../src/mediator.js';
import { Registry } from '../../src/state/registry.js';
import { FakeManualAdder, LOST } from '../support/fakes.js';
import { TestHost } from '../support/test-host.js';
import { nextTick, until } from '../support/until.js';
import { named } from '../support/vm-files.js';

const NONE = 'no device of a pool works; its requests wait';
const AGAIN = 'a pool has a device again';

let host: TestHost;
let registry: Registry;
let adders: FakeManualAdder[];

beforeEach(() => {
  host = new TestHost(Mediator);
  registry = new Registry(host.stateDir);
  adders = [0, 1, 2].map((index) => new FakeManualAdder(index));
});

afterEach(async () => {
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

const started = () => adders.map((adder) => adder.started);
const inFlight = () => adders.map((adder) => adder.inFlight);

/** Requests that are distinguished by their numbers, in the order of arrival. */
async function write(...lines: readonly [pool: string, priority: number, number: number][]) {
  for (const [pool, priority, number] of lines) {
    host.vm(1).write(named(`n${number}`), `${pool}:${priority}:1:${number}:0\n`);
    await nextTick();
  }
}

const finish = (index: number) => adders[index]?.finish();

describe('a device that is idle', () => {
  test('takes the first request in the order of the queue whose pool it serves', async () => {
    registry.setPoolDevices('A', [0]);
    registry.setPoolDevices('B', [1]);
    await write(['A', 0, 1], ['A', 2, 2], ['B', 0, 3], ['B', 1, 4], ['A', 2, 5], ['B', 1, 6]);
    await host.start(adders);
    await until('two are on devices', () => inFlight().join() === '1,1,0');
    for (let round = 0; round < 2; round += 1) {
      for (const index of [0, 1]) finish(index);
      await until('the next are', () => inFlight().join() === '1,1,0');
    }
    for (const index of [0, 1]) finish(index);
    await until('all have their responses', () => host.served.length === 6);
    expect(started()).toEqual([[2, 5, 1], [4, 6, 3], []]);
  });

  test('chooses before one that serves more pools', async () => {
    registry.setPoolDevices('A', [0]);
    await write(['B', 1, 1], ['A', 1, 2]);
    await host.start(adders.slice(0, 2));
    await until('each has one', () => inFlight().join() === '1,1,0');
    expect(started()).toEqual([[2], [1], []]);
    finish(0);
    finish(1);
  });
});

describe('a registry that is read again', () => {
  test('has queued requests taken at once by the devices that now serve their pool', async () => {
    registry.setPoolDevices('A', [0]);
    const mediator = await host.start(adders);
    await write(['A', 1, 1], ['A', 1, 2], ['A', 1, 3], ['B', 1, 4]);
    await until('two wait for device 0', () => mediator.queued === 2);
    expect(inFlight()).toEqual([1, 1, 0]);
    registry.setPoolDevices('A', [2]);
    mediator.reloadRegistry();
    await until('another device takes it', () => inFlight()[2] === 1);
    expect(started()[2]).toEqual([2]);
    finish(0);
    await until('the request on a device is finished there', () => host.served.length === 1);
    expect(mediator.queued).toBe(1);
    registry.setPoolDevices('A', undefined);
    mediator.reloadRegistry();
    await until('every device serves it again', () => mediator.queued === 0);
    expect(started()[0]).toEqual([1, 3]);
    for (const index of [0, 1, 2]) finish(index);
    await until('all have their responses', () => host.served.length === 4);
  });
});

describe('a pool of which no device exists', () => {
  test('waits, which is said once, until one serves it', async () => {
    registry.setPoolDevices('B', [7, 9]);
    const mediator = await host.start(adders);
    await write(['B', 2, 1], ['B', 2, 2], ['A', 0, 3]);
    await until('the other pool is served', () => inFlight().join() === '1,0,0');
    finish(0);
    mediator.reloadRegistry();
    await until('it has its response', () => host.served.length === 1);
    expect(mediator.queued).toBe(2);
    expect(host.logger.of(NONE)).toMatchObject([
      { level: 'warn', fields: { pool: 'B', devices: [7, 9] } },
    ]);
    expect(mediator.snapshot().pools).toEqual([
      { pool: 'A', devices: null, isServed: true },
      { pool: 'B', devices: [7, 9], isServed: false },
    ]);
    registry.setPoolDevices('B', [2]);
    mediator.reloadRegistry();
    await until('it is served', () => inFlight()[2] === 1);
    finish(2);
    await until('so is the next', () => inFlight()[2] === 1);
    finish(2);
    await until('all have their responses', () => host.served.length === 3);
    expect(started()).toEqual([[3], [], [1, 2]]);
    expect(host.logger.of(AGAIN)).toMatchObject([{ fields: { pool: 'B' } }]);
    expect(mediator.snapshot().pools[1]).toEqual({ pool: 'B', devices: [2], isServed: true });
  });
});

describe('a pool of which no device works', () => {
  test('waits, which is said once, until one of them has computed something', async () => {
    registry.setPoolDevices('A', [1]);
    const mediator = await host.start(adders);
    // Each request gets its response when it has met two lost devices.
    await write(['A', 1, 1], ['A', 1, 2], ['B', 1, 3]);
    for (let faults = 0; faults < 3; faults += 1) {
      await until('one is on the device', () => inFlight()[1] === 1);
      expect(host.logger.of(NONE)).toEqual([]);
      adders[1]?.fail(LOST);
    }
    await until('it is out of service', () => host.logger.of(NONE).length === 1);
    expect(mediator.snapshot()).toMatchObject({
      devices: [{}, { state: 'out-of-service' }, {}],
      pools: [{ pool: 'A', isServed: false }, { isServed: true }],
    });
    expect(mediator.queued).toBe(1);
    // Five seconds after it was lost.
    await until('it is tried again', () => inFlight()[1] === 1);
    expect(mediator.snapshot().pools[0]?.isServed).toBe(false);
    expect(host.logger.of(AGAIN)).toEqual([]);
    finish(1);
    await until('it works', () => host.logger.of(AGAIN).length === 1);
    expect(mediator.snapshot().pools[0]?.isServed).toBe(true);
    expect(host.logger.of(NONE)).toHaveLength(1);
    finish(0);
    await until('all have their responses', () => host.served.length === 3);
  });
});
