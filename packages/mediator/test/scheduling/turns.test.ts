/** Intake, queue, dispatcher and delivery together, over a fake source and fake devices. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sumDevice } from '@vgpu/cuda-binding';
import { Completion } from '../../src/delivery/completion.js';
import { Delivery } from '../../src/delivery/delivery.js';
import { Executor } from '../../src/devices/executor.js';
import { PoolAssignment, type ExecutorSlot } from '../../src/devices/pool-assignment.js';
import { Events } from '../../src/events.js';
import { Admission } from '../../src/intake/admission.js';
import { Intake } from '../../src/intake/intake.js';
import { Lifecycle } from '../../src/lifecycle.js';
import { FIRST_TURN } from '../../src/scheduling/cost.js';
import { DeficitRoundRobin } from '../../src/scheduling/deficit-round-robin.js';
import { Dispatcher } from '../../src/scheduling/dispatcher.js';
import type { Job } from '../../src/scheduling/job.js';
import { RequestQueue } from '../../src/scheduling/request-queue.js';
import type { VmRequests } from '../../src/scheduling/request-source.js';
import { Turns } from '../../src/scheduling/turns.js';
import { DEFAULT_SETTINGS } from '../../src/settings.js';
import type { FinishedRequest } from '../../src/telemetry/finished-request.js';
import { FakeSource, FakeSourceError } from '../support/fake-source.js';
import { FakeLogger, FakeManualAdder } from '../support/fakes.js';

let source: FakeSource;
let adder: FakeManualAdder;
let executor: Executor;
let dispatcher: Dispatcher;
let turns: Turns;
let finished: FinishedRequest[];

beforeEach(async () => {
  const [events, lifecycle, logger] = [new Events(), new Lifecycle(), new FakeLogger()];
  const [settings, registry] = [DEFAULT_SETTINGS, new Map<number, never>()];
  const shares = new DeficitRoundRobin<VmRequests>(FIRST_TURN);
  source = new FakeSource(events, (requests) => {
    shares.add(requests);
  });
  const queue = new RequestQueue<Job, ExecutorSlot>();
  const admission = new Admission({ registry, settings });
  const gone = { check: () => undefined };
  const completion = new Completion({ queue, gone, events, logger, limitedLogger: logger });
  const intake = new Intake({ admission, completion });
  const delivery = new Delivery({ logger, completion, shares, events });
  adder = new FakeManualAdder();
  const open = () => Promise.resolve(sumDevice(adder));
  executor = new Executor({ index: 0, open, settings, logger, events });
  const pools = new PoolAssignment({
    executors: [executor],
    registry: { poolDevices: () => undefined },
    logger,
  });
  const common = { queue, shares, lifecycle, events, logger };
  dispatcher = new Dispatcher({ ...common, pools, admission, delivery, completion });
  turns = new Turns({ ...common, source, intake, dispatcher, executors: [executor] });
  finished = [];
  events.on('requestFinished', (request) => finished.push(request));
  events.on('requestsGone', ({ admitted }) => {
    for (const ticket of admitted) intake.withdraw(ticket);
  });
  await executor.open();
  lifecycle.enter('serving');
});

afterEach(async () => {
  turns.stop();
  await executor.stop();
});

/** Lets turns run, and their consequences. */
async function turn(): Promise<void> {
  turns.request();
  for (let times = 0; times < 5; times += 1) await new Promise(setImmediate);
}

/** Has the device finish one request after the other; gives the first operands in their order. */
async function serveAll(): Promise<number[]> {
  await turn();
  while (adder.inFlight > 0) {
    adder.finish();
    await turn();
  }
  return adder.started;
}

const line = (vm: number, priority: number, a: number) => `A:${priority}:${vm}:${a}:0\n`;
const outcomes = () => finished.map(({ outcome }) => outcome);

describe('requests of several VMs', () => {
  it('are served by priority, then arrival', async () => {
    source.vm(1).put('x', line(1, 0, 1));
    source.vm(2).put('x', line(2, 2, 2));
    source.vm(3).put('x', line(3, 1, 3));
    source.vm(4).put('x', line(4, 2, 4));
    expect(await serveAll()).toEqual([2, 4, 3, 1]);
    expect(source.vm(1).response('x')).toBe('1\n');
  });

  it('that come while the device is busy are served in their place', async () => {
    source.vm(1).put('x', line(1, 1, 1));
    source.vm(1).put('y', line(1, 1, 2));
    await turn();
    source.vm(2).put('x', line(2, 2, 3));
    expect(await serveAll()).toEqual([1, 3, 2]);
  });

  it('never run two at once on one device', async () => {
    for (const slot of ['a', 'b', 'c', 'd']) source.vm(1).put(slot, line(1, 1, 1));
    await serveAll();
    expect([adder.started.length, adder.mostInFlight]).toEqual([4, 1]);
  });
});

describe('a request that is withdrawn', () => {
  it('while it is queued never reaches the device', async () => {
    source.vm(1).put('x', line(1, 2, 1));
    source.vm(2).put('x', line(2, 1, 2));
    await turn();
    source.vm(2).take('x');
    expect(await serveAll()).toEqual([1]);
    expect(outcomes().sort()).toEqual(['OK', 'WITHDRAWN']);
  });

  it('while it is on the device gets no response', async () => {
    source.vm(1).put('x', line(1, 2, 1));
    await turn();
    source.vm(1).take('x');
    await serveAll();
    expect([outcomes(), source.vm(1).response('x')]).toEqual([['WITHDRAWN'], undefined]);
  });

  it('with its whole VM leaves the queue', async () => {
    source.vm(1).put('x', line(1, 2, 1));
    source.vm(2).put('x', line(2, 1, 2));
    await turn();
    source.remove(2);
    expect(await serveAll()).toEqual([1]);
    expect(outcomes().sort()).toEqual(['OK', 'WITHDRAWN']);
  });

  it('and rewritten is served with its new content', async () => {
    source.vm(1).put('x', line(1, 2, 1));
    source.vm(2).put('x', line(2, 1, 2));
    await turn();
    source.vm(2).put('x', line(2, 1, 3));
    expect(await serveAll()).toEqual([1, 3]);
    expect(source.vm(2).response('x')).toBe('3\n');
  });
});

describe('a VM that is locked', () => {
  it('delays no other VM, and has its place when it is unlocked', async () => {
    source.vm(9).put('x', line(9, 2, 9));
    source.vm(1).put('x', line(1, 2, 1));
    source.vm(2).put('x', line(2, 1, 2));
    source.vm(3).put('x', line(3, 0, 3));
    await turn();
    source.vm(1).lock(true);
    adder.finish();
    await turn();
    expect(adder.started).toEqual([9, 2]);
    expect(dispatcher.deferred).toBe(1);
    source.vm(1).lock(false);
    expect(await serveAll()).toEqual([9, 2, 1, 3]);
    expect(dispatcher.deferred).toBe(0);
  });
});

describe('a request that cannot be read just before it is computed', () => {
  it('stays on disk, and is found again', async () => {
    source.vm(1).put('x', line(1, 2, 1));
    source.vm(2).put('x', line(2, 1, 2));
    await turn();
    source.vm(2).failure = new FakeSourceError('no response');
    await serveAll();
    expect([adder.started, source.vm(2).hasRequest('x')]).toEqual([[1], true]);
    source.vm(2).failure = undefined;
    source.vm(2).notice('x');
    expect(await serveAll()).toEqual([1, 2]);
  });
});
