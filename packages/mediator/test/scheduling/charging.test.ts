/** The cost of a VM's requests is charged to it: how many of them come before a neighbour's. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { encodeRequest, MAX_LINE_BYTES, type Priority } from '@vgpu/protocol';
import { Mediator } from '../../src/mediator.js';
import { TestHost } from '../support/test-host.js';
import { named } from '../support/vm-files.js';

const NEIGHBOUR = 1;
const FILES = 16;
const ROUNDS = 8;
/**
 * How many of their requests may come between the neighbour's and its response: of those that are
 * refused the ones of the turn in progress, in which each VM may have one that its quantum allows; of
 * those that are valid the ones that are queued, two of this length for each VM.
 */
const MOST_REFUSED = 8;
const MOST_VALID = 16;

const line = (text: string) =>
  `${text.repeat(Math.ceil(MAX_LINE_BYTES / text.length)).slice(0, MAX_LINE_BYTES - 1)}\n`;
const after = (start: string, text: string) => start + line(text).slice(start.length);
const ones = (length: number) => `${'1,'.repeat(length - 1)}1`;

const KINDS: Record<string, (vm: number) => string> = {
  colons: () => line(':'),
  commas: () => line(','),
  'one long number': (vm) => after(`A:2:${vm}:1:`, '9'),
  'a mixture': () => line('1,:'),
  'lists of different length': (vm) => `A:2:${vm}:${ones(32_000)}:1\n`,
  'vectors, of a higher priority': (vm) => `A:2:${vm}:${ones(16_000)}:${ones(16_000)}\n`,
  'vectors, of the same priority': (vm) => `A:1:${vm}:${ones(16_000)}:${ones(16_000)}\n`,
  NULs: () => line('\0'),
  'a VM that it is not': () => `A:2:77:${ones(16_000)}:${ones(16_000)}\n`,
};

let host: TestHost;
beforeEach(() => {
  host = new TestHost(Mediator);
});
afterEach(async () => {
  await host.close();
});

/** VMs that always have requests left, and a neighbour that has none most of the time. */
class Neighbourhood {
  /** The VMs whose requests are done with, in this order. */
  readonly done: number[] = [];
  readonly #hostile: readonly number[];
  readonly #lineOf: (vm: number) => string;
  #sent = 0;

  constructor(count: number, lineOf: (vm: number) => string) {
    this.#hostile = Array.from({ length: count }, (_, index) => index + 2);
    this.#lineOf = lineOf;
    for (const vm of [NEIGHBOUR, ...this.#hostile]) host.vm(vm);
  }

  async start(): Promise<void> {
    const mediator = await host.start([new CpuVectorAdder()]);
    mediator.observe({ requestFinished: ({ vm }) => this.done.push(vm) });
    // The first turn should read all requests on disk, whatever their cost.
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  }

  /** Has some files of each hostile VM on disk, and one of them done with. */
  async press(): Promise<void> {
    for (const vm of this.#hostile) {
      const files = host.vm(vm);
      const there = files.names().filter((name) => name.startsWith('request-')).length;
      for (let more = there; more < FILES; more += 1) {
        files.put(named(String((this.#sent += 1))), this.#lineOf(vm));
      }
    }
    const before = this.done.length;
    while (this.done.length <= before) await nextTurn();
  }

  /** Sends a request of the neighbour; gives how many others come before it, and how many are left. */
  async ask(id: string, request: string): Promise<{ overtaking: number; left: number }> {
    const sent = this.done.length;
    host.vm(NEIGHBOUR).put(named(id), request);
    while (!this.done.includes(NEIGHBOUR, sent)) await nextTurn();
    const at = this.done.indexOf(NEIGHBOUR, sent);
    const others = this.done.slice(0, at).filter((vm) => vm !== NEIGHBOUR);
    return { overtaking: at - sent, left: this.#sent - others.length };
  }
}

describe.each([1, 8])('beside %d VMs that send', (count) => {
  const cases = Object.entries(KINDS).map(([kind, lineOf], index) => ({
    kind,
    lineOf,
    // A refused request has no priority.
    priority: (kind.startsWith('vectors') ? 1 : index % 3) as Priority,
    most: kind.startsWith('vectors') ? MOST_VALID : MOST_REFUSED,
  }));

  it.each(cases)('$kind, a quiet one is served soon', async ({ lineOf, priority, most }) => {
    const neighbourhood = new Neighbourhood(count, lineOf);
    await neighbourhood.start();
    const operands = { a: Int32Array.of(1), b: Int32Array.of(2) };
    const request = encodeRequest({ pool: 'A', priority, vm: NEIGHBOUR, ...operands });
    for (let round = 0; round < ROUNDS; round += 1) {
      await neighbourhood.press();
      const { overtaking, left } = await neighbourhood.ask(`n${round}`, request);
      expect(left).toBeGreaterThan(0);
      expect(overtaking).toBeLessThanOrEqual(most);
    }
  });
});
