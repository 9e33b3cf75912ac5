import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { during } from '../bench/flood/during.mjs';
import { MediatorProcess, TestRoot } from './support/processes.js';

const REQUESTS = 400;
/** Of those that `pnpm bench flood` measures: the others differ from these in what is written only. */
const ATTACKS = [
  'colons',
  'mismatched-lists',
  'vectors',
  'rewriting',
  'half-written',
  'requests',
  'other-entries',
  'events',
  'specials',
  'once-full-directory',
];
/** How many files an attack by number puts there; the benchmark has more patience. */
const SIZE = 20_000;
/**
 * Requests of the hostile VM that may be done with, as a rule, from one answer of the other VM to the
 * next: an eighth of its queue limit before it, and what a few turns do while its client is busy.
 */
const MAX_OVERTAKING = 16;
const MAX_MIB = 256;

describe('a VM that floods its directory', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot([1, 2]);
  });
  afterEach(() => {
    root.remove();
  });

  it.each(ATTACKS)('by %s holds up no other VM, and fills no memory', async (attack) => {
    const mediator = await MediatorProcess.serving(root);
    const client = new VgpuClient({ root: root.path, vmId: 1, priority: 1, timeoutMs: 300_000 });
    const vms = [{ directory: root.in(2), vm: 2 }];
    const own = (child: ChildProcess) => {
      root.own(child);
    };
    await during(attack, { vms, size: SIZE, own }, async () => {
      for (let i = 0; i < REQUESTS; i += 1) {
        expect(await client.add(i, 1)).toBe(i + 1);
      }
    });
    await client.close();
    const status = readFileSync(`/proc/${mediator.pid}/status`, 'utf8');
    const mib = Number(/VmHWM:\s+([0-9]+) kB/.exec(status)?.[1]) / 1024;
    const overtaking = overtakingIn(mediator);
    expect(median(overtaking)).toBeLessThanOrEqual(MAX_OVERTAKING);
    expect(mib).toBeLessThan(MAX_MIB);
    mediator.signal('SIGKILL');
  });
});

/** For each answer to VM 1 but the first, how many of VM 2's requests were done with since the last. */
function overtakingIn({ log }: MediatorProcess): number[] {
  const done = log.filter(({ message }) => /^request (?:finished|rejected)$/.test(message));
  const own = done.flatMap(({ vm }, index) => (vm === 1 ? [index] : []));
  return own.slice(1).map((index, i) => index - (own[i] ?? 0) - 1);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
