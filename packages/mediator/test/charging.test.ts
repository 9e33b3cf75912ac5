/** What a VM's requests cost is charged to it: how many of them come before a neighbour's. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { encodeRequest, MAX_LINE_BYTES, type Priority } from '@vgpu/protocol';
import { Mediator } from '../src/mediator.js';
import { TestHost } from './support/test-host.js';
import { until } from './support/until.js';
import { named } from './support/vm-files.js';

const NEIGHBOUR = 1;
/** Requests of each hostile VM that wait when the neighbour sends one. */
const FILES = 16;
const ROUNDS = 8;
/**
 * How many of their requests come between the neighbour's and its response: those of the turn in
 * progress, in which each may have one that its quantum allows.
 */
const MOST_OVERTAKING = 8;

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

describe.each([1, 8])('beside %d VMs that send', (count) => {
  const cases = Object.entries(KINDS).map(([kind, lineOf], index) => ({
    kind,
    lineOf,
    // High, equal and lower: what is refused has none.
    priority: (index % 3) as Priority,
  }));

  it.each(cases)(
    '$kind, a quiet one is taken in in the next turn',
    async ({ lineOf, priority }) => {
      const done: number[] = [];
      const neighbour = host.vm(NEIGHBOUR);
      const hostile = Array.from({ length: count }, (_, index) => index + 2);
      const mediator = await host.start([new CpuVectorAdder()]);
      mediator.observe({ requestFinished: ({ vm }) => done.push(vm) });
      const requestsOf = (vm: number) =>
        host
          .vm(vm)
          .names()
          .filter((name) => name.startsWith('request-')).length;
      let id = 0;
      const topUp = () => {
        for (const vm of hostile) {
          const [files, text] = [host.vm(vm), lineOf(vm)];
          for (let left = requestsOf(vm); left < FILES; left += 1)
            files.put(named(`${id++}`), text);
        }
      };
      const operands = { a: Int32Array.of(1), b: Int32Array.of(2) };
      const request = encodeRequest({ pool: 'A', priority, vm: NEIGHBOUR, ...operands });
      const overtaking: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        topUp();
        const before = done.length;
        while (done.length <= before) await nextTurn();
        const sent = done.length;
        neighbour.put(named(`n${round}`), request);
        await until('the neighbour is served', () => done.includes(NEIGHBOUR, sent));
        overtaking.push(done.indexOf(NEIGHBOUR, sent) - sent);
        expect(hostile.some((vm) => requestsOf(vm) > 0)).toBe(true);
      }
      expect(Math.max(...overtaking)).toBeLessThanOrEqual(MOST_OVERTAKING);
    },
  );
});
