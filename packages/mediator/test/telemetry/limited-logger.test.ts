import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { LimitedLogger } from '../../src/telemetry/limited-logger.js';
import { FakeLogger } from '../support/fakes.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a limited number of lines about a VM pass, and the next one counts the rest', () => {
  const logger = new FakeLogger();
  const limited = new LimitedLogger(logger);
  for (let i = 0; i < 300; i += 1) limited.info('rejected', { vm: 7, i });
  expect(logger.entries).toHaveLength(200);
  expect(logger.entries[199]).toEqual({
    level: 'info',
    message: 'rejected',
    fields: { vm: 7, i: 199 },
  });
  // Lines about other VMs, about no VM, or below info are not limited by it.
  limited.warn('failed', { vm: 8 });
  limited.error('failed', { root: '/' });
  limited.debug('looked', { vm: 7 });
  expect(logger.entries.slice(200).map(({ level }) => level)).toEqual(['warn', 'error', 'debug']);

  jest.advanceTimersByTime(100);
  limited.warn('failed', { vm: 7 });
  limited.warn('failed', { vm: 7 });
  expect(logger.entries.slice(203)).toEqual([
    { level: 'warn', message: 'failed', fields: { vm: 7, suppressed: 100 } },
  ]);
});
