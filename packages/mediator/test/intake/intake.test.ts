import { beforeEach, describe, expect, it } from '@jest/globals';
import { Events } from '../../src/events.js';
import { Admission } from '../../src/intake/admission.js';
import { Intake } from '../../src/intake/intake.js';
import type { RateLimit } from '../../src/intake/token-bucket.js';
import type { Job } from '../../src/scheduling/job.js';
import type { Registration } from '../../src/state/registry.js';
import type { FinishedRequest } from '../../src/telemetry/finished-request.js';
import { FakeSource, FakeSourceError, type FakeVmRequests } from '../support/fake-source.js';

const LINE = 'A:2:7:100:200\n';

let vm: FakeVmRequests;
let intake: Intake;
let registrations: Map<number, Registration>;
let settings: {
  maxQueuedPerVm: number;
  requireRegistration: boolean;
  rateLimit: RateLimit | undefined;
};
let rejected: FinishedRequest[];

beforeEach(() => {
  vm = new FakeSource(new Events(), () => undefined).vm(7);
  registrations = new Map();
  settings = { maxQueuedPerVm: 64, requireRegistration: false, rateLimit: undefined };
  rejected = [];
  intake = new Intake({
    admission: new Admission({ registry: registrations, settings }),
    completion: {
      withdraw: (job) => {
        job.ticket.withdraw();
        return true;
      },
      reject: (request) => {
        rejected.push(request);
      },
    },
  });
});

/** The last job from the VM's requests. */
function consider(): Job | undefined {
  let job: Job | undefined;
  while (vm.hasWork) job = intake.consider(vm.next()).job ?? job;
  return job;
}

/** The job that a line leads to, or the response. */
function outcomeOf(line: string, slot = 'x'): Job | string | undefined {
  vm.put(slot, line);
  return consider() ?? vm.response(slot);
}

describe('a request', () => {
  it('becomes a job, and takes a place', () => {
    const job = outcomeOf('B:0:7:1,2:-1,-2\n');
    expect(job).toMatchObject({
      ...{ pool: 'B', priority: 0, vm: 7, slot: 'x' },
      call: { operation: 'add', a: Int32Array.of(1, 2), b: Int32Array.of(-1, -2) },
    });
    expect([...vm.admitted]).toEqual([(job as Job).ticket]);
    expect(rejected).toEqual([]);
  });

  it('that is written again takes the place of the one before', () => {
    const first = outcomeOf(LINE) as Job;
    const second = outcomeOf('A:2:7:100:201\n') as Job;
    expect(second.call.b).toEqual(Int32Array.of(201));
    expect([...vm.admitted]).toEqual([second.ticket]);
    expect(intake.withdraw(second.ticket)).toBe(true);
    expect(first.ticket.isCurrent()).toBe(false);
  });

  it('that cannot be refused now is refused later', () => {
    vm.put('x', 'nonsense\n');
    const step = vm.next();
    vm.failure = new FakeSourceError('no space');
    expect(intake.consider(step).job).toBeUndefined();
    expect([rejected, vm.failures]).toEqual([[], [vm.failure]]);
    vm.failure = undefined;
    vm.recover();
    consider();
    expect(rejected).toMatchObject([{ outcome: 'BAD_REQUEST' }]);
  });
});

describe('the identity of a VM', () => {
  it('is decided by the registry, and the claim of its line is recorded', () => {
    registrations.set(7, { pool: 'B', priority: 0, suspended: false });
    expect(outcomeOf('A:2:7:1:2\n')).toMatchObject({
      ...{ pool: 'B', priority: 0, vm: 7 },
      claim: { pool: 'A', priority: 2 },
    });
  });

  it('is the claim of its line if that is the same, or if the VM is not registered', () => {
    registrations.set(8, { pool: 'B', priority: 0, suspended: false });
    registrations.set(7, { pool: 'A', priority: 2, suspended: false });
    const job = outcomeOf('A:2:7:1:2\n');
    expect(job).toMatchObject({ pool: 'A', priority: 2 });
    expect(job).not.toHaveProperty('claim');
    (job as Job).ticket.release();
    registrations.delete(7);
    expect(outcomeOf('B:1:7:1:2\n')).toMatchObject({ pool: 'B', priority: 1 });
  });

  it('does not follow from the line, registered or not', () => {
    registrations.set(8, { pool: 'B', priority: 0, suspended: false });
    expect(outcomeOf('B:0:8:1:2\n')).toBe('ERROR:VM_MISMATCH:vm: expected 7, got 8\n');
  });

  it('must be known where registration is required, whatever it sends', () => {
    settings.requireRegistration = true;
    const refusal = 'ERROR:UNKNOWN_VM:VM 7 is not registered on this host\n';
    expect(outcomeOf('A:2:7:1:2\n')).toBe(refusal);
    expect(outcomeOf('nonsense\n')).toBe(refusal);
    expect(rejected.map(({ outcome }) => outcome)).toEqual(['UNKNOWN_VM', 'UNKNOWN_VM']);
    registrations.set(7, { pool: 'A', priority: 1, suspended: false });
    expect(outcomeOf('A:1:7:1:2\n')).toMatchObject({ vm: 7 });
  });

  it('may be suspended', () => {
    registrations.set(7, { pool: 'A', priority: 1, suspended: true });
    expect(outcomeOf('A:1:7:1:2\n')).toBe(
      'ERROR:SUSPENDED:VM 7 is suspended by the administrator of this host\n',
    );
    expect(vm.hasRequest('x')).toBe(false);
  });
});

it('requests above the rate limit get the time to wait as their response', () => {
  settings.rateLimit = { perSecond: 0.5, burst: 2 };
  const responses = ['1', '2', '3'].map((id) => {
    const outcome = outcomeOf(LINE, id);
    return typeof outcome === 'object' ? 'queued' : outcome;
  });
  expect(responses).toEqual([
    'queued',
    'queued',
    expect.stringMatching(/^ERROR:RATE_LIMITED:retry in (?:1[0-9]{3}|2000) ms\n$/),
  ]);
  settings.rateLimit = undefined;
  expect(outcomeOf(LINE, '4')).toMatchObject({ vm: 7 });
});

it('the limit of a registered VM outranks that of all', () => {
  const write = (id: string) => typeof outcomeOf(LINE, id) === 'object';
  settings.rateLimit = { perSecond: 0.5, burst: 1 };
  registrations.set(7, {
    ...{ pool: 'A', priority: 1, suspended: false },
    rateLimit: { perSecond: 0.001, burst: 3 },
  });
  expect(['1', '2', '3', '4'].map(write)).toEqual([true, true, true, false]);
  // One that has none of its own has that of all.
  registrations.set(7, { pool: 'A', priority: 1, suspended: false });
  settings.rateLimit = { perSecond: 1e6, burst: 1000 };
  expect(write('5')).toBe(true);
});
