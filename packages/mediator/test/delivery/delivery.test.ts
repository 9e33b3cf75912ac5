import { beforeEach, describe, expect, it } from '@jest/globals';
import { Delivery } from '../../src/delivery/delivery.js';
import { Events } from '../../src/events.js';
import type { Job } from '../../src/scheduling/job.js';
import { FakeLogger } from '../support/fakes.js';
import { FakeSource, FakeSourceError, type FakeVmRequests } from '../support/fake-source.js';
import { until } from '../support/until.js';

const THREE = { answer: { sum: Int32Array.of(3) }, execMs: 0 };

let vm: FakeVmRequests;
let delivery: Delivery;
let finished: string[];
let job: Job;
beforeEach(() => {
  const events = new Events();
  const source = new FakeSource(events, () => undefined);
  vm = source.vm(1);
  vm.put('x', 'A:2:1:1:2');
  const { arrival } = vm.next();
  if (arrival === undefined) throw new Error('expected an arrival');
  finished = [];
  delivery = new Delivery({
    logger: new FakeLogger(),
    completion: { finish: (_job, outcome) => void finished.push(outcome) },
    shares: { charge: () => undefined },
    events,
  });
  const call = { operation: 'add', a: Int32Array.of(1), b: Int32Array.of(2) };
  job = { vm: 1, slot: 'x', call, ticket: arrival.ticket } as Job;
});

describe('a response for a VM that is locked', () => {
  beforeEach(() => {
    vm.lock(true);
    delivery.deliver(job, THREE);
  });

  it('waits, and counts until it is in place', () => {
    expect([delivery.deferred, delivery.pending, vm.response('x')]).toEqual([1, 1, undefined]);
    vm.lock(false);
    expect([delivery.deferred, delivery.pending]).toEqual([0, 0]);
    expect([vm.response('x'), finished]).toEqual(['3\n', ['OK']]);
  });

  it('is left to the next mediator once this one stops', () => {
    delivery.close();
    vm.lock(false);
    expect([delivery.deferred, vm.response('x'), finished]).toEqual([0, undefined, []]);
  });
});

describe('a response that cannot be put in place', () => {
  it('is tried again', async () => {
    vm.failure = new FakeSourceError('no space');
    delivery.deliver(job, THREE);
    expect([delivery.pending, finished]).toEqual([1, []]);
    vm.failure = undefined;
    await until('it is delivered', () => finished.length > 0);
    expect([delivery.pending, vm.response('x'), finished]).toEqual([0, '3\n', ['OK']]);
  });

  it('for a defect is not hidden', () => {
    vm.failure = new TypeError('a defect');
    expect(() => {
      delivery.deliver(job, THREE);
    }).toThrow('a defect');
  });
});

describe('a response to a request that is not there any more', () => {
  it('ends the job as withdrawn', () => {
    vm.take('x');
    delivery.deliver(job, THREE);
    expect([vm.response('x'), finished]).toEqual([undefined, ['WITHDRAWN']]);
  });
});
