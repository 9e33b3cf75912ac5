import type { Writing } from './clients.js';
import type { Random } from '../../../../tests/support/random.js';

/** The kind of a history: some are calm in one respect, so that others show. */
export interface Plan {
  readonly vms: number;
  readonly devices: number;
  /** For each client with named slots, how many requests it makes, one after another. */
  readonly named: readonly number[];
  readonly writings: readonly Writing[];
  readonly plain: readonly ('careful' | 'old' | 'shell' | 'none')[];
  readonly plainRequests: number;
  /** How coarse the times of files are. */
  readonly tickNs: number;
  /** Share of events that inotify reports; undefined if it is not available. */
  readonly inotify: number | undefined;
  readonly maxQueuedPerVm: number;
  /** Of 1 request, how many are withdrawn. */
  readonly withdrawals: number;
  /** The only system calls of the mediator at which anything happens, and then often. */
  readonly focus: readonly string[] | undefined;
  /** Of 1 system call, how many are preceded by steps of clients, and by how many steps at most. */
  readonly preemptions: number;
  readonly burst: number;
  /** Of 1 system call, how many fail, and how many are the last one. */
  readonly errors: number;
  readonly kills: number;
}

const CALLS = ['lstatSync', 'openSync', 'renameSync', 'unlinkSync', 'linkSync', 'futimesSync'];

export function planOf(random: Random): Plan {
  const vms = random.pick([1, 1, 2, 3]);
  const plain = random.pick<Plan['plain']>([
    ['careful'],
    ['old'],
    ['old'],
    ['shell'],
    ['none'],
    ['careful', 'old', 'shell'],
  ]);
  const focus = random.chance(0.5)
    ? random.shuffle(CALLS).slice(0, random.between(1, CALLS.length))
    : undefined;
  const often = focus === undefined ? 1 : 4;
  return {
    vms,
    devices: random.between(1, 3),
    // About 30 requests in all.
    named: Array.from({ length: random.between(plain[0] === 'none' ? 1 : 0, 4) }, () =>
      random.between(1, Math.ceil(10 / vms)),
    ),
    writings: random.pick<readonly Writing[]>([
      ['renamed'],
      ['renamed', 'in place', 'in pieces', 'in pieces without newline'],
    ]),
    plain,
    plainRequests: random.between(2, Math.ceil(24 / vms)),
    tickNs: random.pick([1, 1, 4_000_000, 10_000_000]),
    inotify: random.pick([1, 1, 0.9, 0.5, 0, undefined]),
    maxQueuedPerVm: random.pick([64, 64, 64, 1, 3]),
    withdrawals: random.pick([0, 0.1, 0.5]),
    focus,
    preemptions: focus === undefined ? random.pick([0.05, 0.3]) : random.pick([0.3, 0.9]),
    burst: random.pick([1, 4, 10]),
    errors: often * random.pick([0, 0, 0, 0.002, 0.01, 0.05]),
    kills: often * random.pick([0, 0, 0.001, 0.004, 0.01]),
  };
}
