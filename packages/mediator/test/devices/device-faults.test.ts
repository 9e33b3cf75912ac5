/** One queue and several devices, of which some are lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { mkdirSync, rmSync, unlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { VectorAdder } from '@vgpu/cuda-binding';
import { Mediator } from '../../src/mediator.js';
import { FakeManualAdder, LOST } from '../support/fakes.js';
import { TestHost } from '../support/test-host.js';
import { nextTick, until } from '../support/until.js';
import { named, PLAIN, type VmFiles } from '../support/vm-files.js';

const AGAIN = 'request requeued because its device was lost';

let host: TestHost;
let files: VmFiles;

beforeEach(() => {
  host = new TestHost(Mediator);
  files = host.vm(7);
});

afterEach(async () => {
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

/** Writes requests, one after another, named and distinguished by their first operand. */
async function put(...operands: number[]): Promise<void> {
  for (const a of operands) {
    files.put(named(`${a}`), `A:1:7:${a}:0\n`);
    await nextTick();
  }
}

/** Opens the given devices, one after another; after the last one, opening fails. */
const inTurn = (...devices: VectorAdder[]) => {
  const rest = [...devices];
  return () => {
    const device = rest.shift();
    return device ? Promise.resolve(device) : Promise.reject(new Error('gone for good'));
  };
};

const hasStarted = (adder: FakeManualAdder, ...operands: number[]) =>
  until(`the device has had ${operands.join()}`, () => adder.started.join() === operands.join());

const expectAllResponses = (count: number) =>
  until('all have their responses', () => host.served.length === count);

describe('two devices', () => {
  test('compute two requests at once, in the order of the queue', async () => {
    await put(1, 2, 3, 4);
    const [left, right] = [new FakeManualAdder(), new FakeManualAdder()];
    const mediator = await host.start([left, right]);
    await hasStarted(left, 1);
    await hasStarted(right, 2);
    expect([left.inFlight, right.inFlight, mediator.queued]).toEqual([1, 1, 2]);
    right.finish();
    await hasStarted(right, 2, 3);
    right.finish();
    await hasStarted(right, 2, 3, 4);
    left.finish();
    right.finish();
    await expectAllResponses(4);
    expect(host.served).toEqual(['2', '3', '1', '4']);
    expect(left.started).toEqual([1]);
  });

  test('lose nothing when one of them is lost: the other serves all, in order', async () => {
    await put(1, 2, 3, 4);
    const [lost, other] = [new FakeManualAdder(), new FakeManualAdder()];
    const mediator = await host.start([], {
      devices: [inTurn(lost), inTurn(other)],
    });
    await hasStarted(lost, 1);
    await hasStarted(other, 2);
    lost.fail(LOST);
    await until('it is queued again', () => mediator.queued === 3);
    expect(host.logger.of(AGAIN)).toMatchObject([{ fields: { vm: 7, slot: '1', seq: 1 } }]);
    expect(files.hasRequest(named('1'))).toBe(true);
    for (const operands of [
      [2, 1],
      [2, 1, 3],
      [2, 1, 3, 4],
    ]) {
      other.finish();
      await hasStarted(other, ...operands);
    }
    other.finish();
    await expectAllResponses(4);
    for (const a of [1, 2, 3, 4]) expect(files.responseText(named(`${a}`))).toBe(`${a}\n`);
    expect(mediator.statistics().outcome).toEqual({ OK: 4 });
    expect(lost.isClosed).toBe(true);
  });

  test('share the work again when the one that was lost has come back', async () => {
    await put(1, 2, 3);
    const [lost, back, other] = Array.from({ length: 3 }, () => new FakeManualAdder());
    if (lost === undefined || back === undefined || other === undefined) throw new Error('three');
    await host.start([], { devices: [inTurn(lost, back), inTurn(other)] });
    await hasStarted(other, 2);
    lost.fail(LOST);
    await hasStarted(back, 1);
    back.finish();
    await hasStarted(back, 1, 3);
    expect(other.inFlight).toBe(1);
    back.finish();
    other.finish();
    await expectAllResponses(3);
    expect(host.outcomes()).toEqual(['OK', 'OK', 'OK']);
  });
});

describe('a request whose device was lost', () => {
  test('gets DEVICE_FAILED when it meets that a second time', async () => {
    await put(1, 2);
    const adders = Array.from({ length: 3 }, () => new FakeManualAdder());
    await host.start([], { devices: [inTurn(...adders)] });
    for (const adder of adders.slice(0, 2)) {
      await hasStarted(adder, 1);
      expect(files.responseText(named('1'))).toBe('');
      adder.fail(LOST);
    }
    await until('it has its response', () => host.served.length === 1);
    expect(files.responseText(named('1'))).toBe(`ERROR:DEVICE_FAILED:${LOST.message}\n`);
    expect(host.logger.of(AGAIN)).toHaveLength(1);
    const [, , last] = adders;
    await until('the next one is on the device', () => last?.started.join() === '2');
    last?.finish();
    await expectAllResponses(2);
    expect(host.outcomes()).toEqual(['DEVICE_FAILED', 'OK']);
  });

  test('in the plain slot gets one response, from the next device', async () => {
    files.write(PLAIN, 'A:1:7:1:0\n');
    const [lost, next] = [new FakeManualAdder(), new FakeManualAdder()];
    await host.start([], { devices: [inTurn(lost, next)] });
    await hasStarted(lost, 1);
    lost.fail(LOST);
    await hasStarted(next, 1);
    next.finish();
    await until(
      'it has its response',
      () => files.responseText(PLAIN) === '1\n' && !files.hasRequest(PLAIN),
    );
    expect(host.outcomes()).toEqual(['OK']);
  });

  test('and that was withdrawn or rewritten meanwhile is not computed again', async () => {
    files.write(PLAIN, 'A:1:7:1:0\n');
    await nextTick();
    await put(2);
    const [one, two] = [new FakeManualAdder(), new FakeManualAdder()];
    const next = new FakeManualAdder();
    const mediator = await host.start([], {
      devices: [inTurn(one, next), inTurn(two)],
    });
    await hasStarted(one, 1);
    await hasStarted(two, 2);
    unlinkSync(files.request(named('2')));
    two.fail(LOST);
    files.write(PLAIN, 'A:1:7:3:0\n');
    await nextTick();
    one.fail(LOST);
    await hasStarted(next, 3);
    expect(host.outcomes()).toEqual(['WITHDRAWN', 'WITHDRAWN']);
    expect(mediator.queued).toBe(0);
    next.finish();
    await expectAllResponses(3);
    expect(files.responseText(PLAIN)).toBe('3\n');
  });

  test('and whose VM is gone meanwhile is dropped', async () => {
    await put(1);
    const adder = new FakeManualAdder();
    const mediator = await host.start([], { devices: [inTurn(adder)] });
    await hasStarted(adder, 1);
    rmSync(files.path, { recursive: true });
    await until('it is gone', () => host.logger.of('a VM directory is gone').length === 1);
    adder.fail(LOST);
    await expectAllResponses(1);
    expect(host.outcomes()).toEqual(['WITHDRAWN']);
    expect(mediator.queued).toBe(0);
    mkdirSync(files.path);
  });

  test('while stopping stays on disk for the next mediator', async () => {
    await put(1);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    await hasStarted(adder, 1);
    const stopping = mediator.stop();
    adder.fail(LOST);
    await stopping;
    expect(host.outcomes()).toEqual([]);
    expect(files.hasRequest(named('1'))).toBe(true);
    await sleep(20);
    expect(adder.started).toEqual([1]);
  });
});

test('stop() ends a start() of which a device never opens', async () => {
  const adder = new FakeManualAdder();
  const mediator = host.mediator([], {
    devices: [() => Promise.resolve(adder), () => new Promise(() => undefined)],
  });
  const starting = mediator.start();
  await mediator.stop();
  await starting;
  expect(adder.isClosed).toBe(true);
  expect(host.logger.of('ready')).toEqual([]);
});
