import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Events } from '../../src/events.js';
import type { VmRequests } from '../../src/scheduling/request-source.js';
import { Spool } from '../../src/spool/spool.js';
import { describeRequestSource } from '../scheduling/request-source-conformance.js';
import { FakeLogger } from '../support/fakes.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { nextTick } from '../support/until.js';
import { named, VmFiles } from '../support/vm-files.js';

describeRequestSource('the spool', () => {
  const root = temporaryDirectory();
  const events = new Events();
  const working = new Set<VmRequests>();
  const source = new Spool({
    root,
    limits: { maxQueued: () => 64 },
    queue: { isOverloaded: false },
    settings: { settleMs: 0 },
    logger: new FakeLogger(),
    lock: { lockRoot: () => undefined },
    shares: {
      add: (requests) => working.add(requests),
      remove: (requests) => working.delete(requests),
      charge: () => undefined,
      clear: () => {
        working.clear();
      },
    },
    events,
  });
  return {
    source,
    events,
    guest: (vm) => {
      const files = new VmFiles(root, vm);
      return {
        put: (slot, text) => {
          files.put(named(slot), text);
        },
        take: (slot) => {
          rmSync(files.request(named(slot)), { force: true });
        },
        response: (slot) => {
          try {
            return readFileSync(files.response(named(slot)), 'latin1');
          } catch {
            return undefined;
          }
        },
        hasRequest: (slot) => files.hasRequest(named(slot)),
      };
    },
    removeVm: (vm) => {
      rmSync(join(root, `vm${vm}`), { recursive: true });
    },
    working: () => {
      const found = [...working];
      working.clear();
      return found;
    },
    pause: nextTick,
    close: () => source.close(),
  };
});
