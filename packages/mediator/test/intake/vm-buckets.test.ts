import { expect, test } from '@jest/globals';
import { Admission } from '../../src/intake/admission.js';
import { TokenBucket } from '../../src/intake/token-bucket.js';
import { VmBuckets } from '../../src/intake/vm-buckets.js';

const LIMIT = { perSecond: 10, burst: 20 };

test('buckets of VMs that have rested are let go, others are kept', () => {
  const buckets = new VmBuckets(() => new TokenBucket());
  for (let n = 0; n < 20; n += 1) buckets.of(1, 0).take(LIMIT, 0);
  // A hundred thousand VMs come and go, 100 in each second.
  let most = 0;
  for (let vm = 2; vm <= 100_000; vm += 1) {
    const nowMs = vm * 10;
    buckets.of(vm, nowMs).take(LIMIT, nowMs);
    if (vm === 150) expect(buckets.of(1, nowMs).take(LIMIT, nowMs)).toBe(0);
    most = Math.max(most, buckets.size);
  }
  expect(most).toBeLessThanOrEqual(1024);
});

test('one that has used up its tokens does not get others by being let go', () => {
  const buckets = new VmBuckets(() => new TokenBucket());
  for (let n = 0; n < 20; n += 1) buckets.of(1, 0).take(LIMIT, 0);
  for (let vm = 2; vm < 5000; vm += 1) buckets.of(vm, 0).take(LIMIT, 0);
  expect(buckets.of(1, 0).take(LIMIT, 0)).toBe(100);
});

test('admission limits a VM as before, however many there were in between', () => {
  const admission = new Admission({
    registry: new Map<number, never>(),
    settings: {
      maxQueuedPerVm: 64,
      requireRegistration: false,
      rateLimit: { perSecond: 0.001, burst: 1 },
    },
  });
  expect(admission.refuse(1)).toBeUndefined();
  for (let vm = 2; vm < 3000; vm += 1) expect(admission.refuse(vm)).toBeUndefined();
  expect(admission.refuse(1)).toMatchObject({ code: 'RATE_LIMITED' });
});
