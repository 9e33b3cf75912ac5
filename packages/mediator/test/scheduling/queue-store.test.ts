import { expect, it } from '@jest/globals';
import type { QueuedRequest } from '../../src/scheduling/queued-request.js';
import { RequestQueue } from '../../src/scheduling/request-queue.js';
import { checkQueueStore, describeQueueStore, type FakeSlot } from './queue-store-conformance.js';

describeQueueStore('the queue in memory', () => new RequestQueue());

it('the suite finds a store that loses the order of a requeued request', () => {
  class Careless extends RequestQueue<QueuedRequest, FakeSlot> {
    override requeue(request: QueuedRequest): void {
      const { seq = 0 } = request;
      this.admit([request]);
      request.seq = seq;
    }
  }
  expect(() => {
    checkQueueStore(() => new Careless());
  }).toThrow();
});
