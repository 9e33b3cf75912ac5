/** The fake source that other tests use behaves as the spool does. */
import { Events } from '../../src/events.js';
import type { VmRequests } from '../../src/scheduling/request-source.js';
import { FakeSource } from '../support/fake-source.js';
import { describeRequestSource } from './request-source-conformance.js';

describeRequestSource('the fake', () => {
  const events = new Events();
  const working = new Set<VmRequests>();
  const source = new FakeSource(events, (requests) => working.add(requests));
  return {
    source,
    events,
    guest: (vm) => source.vm(vm),
    removeVm: (vm) => {
      source.remove(vm);
    },
    working: () => {
      const found = [...working];
      working.clear();
      return found;
    },
    pause: () => Promise.resolve(),
    close: () => source.close(),
  };
});
