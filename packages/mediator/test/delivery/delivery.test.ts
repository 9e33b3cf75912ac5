import { beforeEach, describe, expect, it } from '@jest/globals';
import { Delivery } from '../../src/delivery/delivery.js';
import { Events } from '../../src/events.js';
import type { Job } from '../../src/scheduling/job.js';
import { FakeLogger } from '../support/fakes.js';
import { named } from '../support/vm-files.js';

/** A VM directory that a thread can lock. */
class FakeDirectory {
  isLocked = true;
  readonly answered: string[] = [];
  #act: (() => void) | undefined;

  whenUnlocked(act: () => void): void {
    this.#act = act;
  }

  unlock(): void {
    this.isLocked = false;
    this.#act?.();
  }

  answer(_slot: unknown, _file: unknown, line: string): 'delivered' {
    this.answered.push(line);
    return 'delivered';
  }
}

describe('a response for a VM whose directory is locked', () => {
  let directory: FakeDirectory;
  let delivery: Delivery;
  let finished: string[];
  beforeEach(() => {
    directory = new FakeDirectory();
    finished = [];
    delivery = new Delivery({
      logger: new FakeLogger(),
      completion: { finish: (_job, outcome) => void finished.push(outcome) },
      spool: { charge: () => undefined },
      events: new Events(),
    });
    const job = {
      spool: { vm: 1, directory },
      ticket: { slot: named('x'), name: 'request-x.txt' },
      request: { a: Int32Array.of(1) },
    } as unknown as Job;
    delivery.deliver(job, { answer: { sum: Int32Array.of(3) }, execMs: 0 });
  });

  it('waits, and counts until it is in place', () => {
    expect([delivery.deferred, delivery.pending, directory.answered]).toEqual([1, 1, []]);
    directory.unlock();
    expect([delivery.deferred, delivery.pending]).toEqual([0, 0]);
    expect([directory.answered, finished]).toEqual([['3\n'], ['OK']]);
  });

  it('is left to the next mediator once this one stops', () => {
    delivery.close();
    directory.unlock();
    expect([delivery.deferred, directory.answered, finished]).toEqual([0, [], []]);
  });
});
