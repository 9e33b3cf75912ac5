import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { amount } from './support/amount.js';
import { MediatorProcess, TestRoot, until } from './support/processes.js';

const KILLS = amount(20, 200);
/** Lines of mediators killed at the same time, each with a root of its own. */
const LINES = 2;
const VMS = [1, 2, 3, 4];
const IN_FLIGHT = 3;
/** Every fourth is killed somewhere around its start, the others while they serve. */
const MAX_START_MS = 400;
const MAX_SERVICE_MS = 50;

describe('a mediator that is killed at random moments under load', () => {
  let roots: TestRoot[];
  beforeEach(() => {
    roots = Array.from({ length: LINES }, () => new TestRoot(VMS));
  });
  afterEach(() => {
    for (const root of roots) root.remove();
  });

  it(`answers every request, and none wrongly, over ${KILLS} kills`, async () => {
    const lines = roots.map(async (root) => {
      const clients = VMS.map(
        (vmId) => new VgpuClient({ root: root.path, vmId, timeoutMs: 300_000 }),
      );
      let isOver = false;
      let answered = 0;
      const load = clients.flatMap((client) =>
        Array.from({ length: IN_FLIGHT }, async () => {
          while (!isOver) {
            const a = Math.trunc((Math.random() - 0.5) * 2 ** 32);
            const b = Math.trunc(Math.random() * 2 ** 31);
            const sum = await client.add(a, b);
            if (sum !== ((a + b) | 0)) throw new Error(`${a} + ${b} gave ${sum}`);
            answered += 1;
          }
        }),
      );
      for (let kill = 0; kill < KILLS / LINES; kill += 1) {
        const mediator = new MediatorProcess(root, '--poll-interval', '100');
        if (kill % 4 === 0) {
          await sleep(Math.random() * MAX_START_MS);
        } else {
          await mediator.ready();
          await sleep(Math.random() * MAX_SERVICE_MS);
        }
        mediator.signal('SIGKILL');
        expect(await mediator.exited).toBe('SIGKILL');
      }
      isOver = true;
      const mediator = await MediatorProcess.serving(root, '--poll-interval', '100');
      await Promise.all(load);
      await until(
        () =>
          VMS.every((vm) => readdirSync(root.in(vm)).every((name) => name.startsWith('response-'))),
        'every request to be cleared',
      );
      for (const client of clients) await client.close();
      expect(await mediator.stop()).toBe(0);
      return answered;
    });
    for (const answered of await Promise.all(lines))
      expect(answered).toBeGreaterThan(KILLS / LINES);
  });
});
