import type { Priority } from '@vgpu/protocol';
import { Clients, type Steps, type Writing } from './clients.js';
import type { Guest } from './guest.js';
import type { HistoryEvent, Sum } from './history.js';
import type { Plan } from './plan.js';
import type { Random } from '../../../../tests/support/random.js';

export interface PopulationOptions {
  readonly plan: Plan;
  readonly guest: Guest;
  readonly history: HistoryEvent[];
  readonly random: Random;
  readonly ids: () => number;
}

const IN_PLACE: readonly Writing[] = ['in place', 'in pieces', 'in pieces without newline'];

/** The clients of one VM: some with slots of their own, and one at most in the plain slot. */
export function populationOf({ plan, guest, history, random, ids }: PopulationOptions): Steps[] {
  const clients = new Clients({ guest, history, random, withdrawals: plan.withdrawals });
  const sums = (count: number, isPlain: boolean) =>
    Array.from({ length: count }, () => sumOf(ids(), guest.vm, isPlain, random));
  const steps = plan.named.map((requests) =>
    clients.named(sums(requests, false), random.pick(plan.writings)),
  );
  const plain = sums(plan.plainRequests, true);
  const writing = random.pick(IN_PLACE);
  switch (random.pick(plan.plain)) {
    case 'careful':
      return [...steps, clients.careful(plain)];
    case 'old':
      return [...steps, clients.old(plain, writing)];
    case 'shell':
      return [...steps, clients.shell(plain, writing)];
    case 'none':
      return steps;
  }
}

export function idsFrom(first: number): () => number {
  let next = first;
  return () => next++;
}

/** All lines of a VM are equally long, and all sums differ. */
function sumOf(id: number, vm: number, isPlain: boolean, random: Random): Sum {
  const priority = random.pick<Priority>([0, 1, 2]);
  const pool = random.pick(['A', 'B']);
  return {
    id,
    vm,
    slot: isPlain ? '.' : `r${id}`,
    priority,
    line: `${pool}:${priority}:${vm}:${id}:${id * 1000}\n`,
    response: `${id * 1001}\n`,
  };
}
