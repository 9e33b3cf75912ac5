import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { DeficitRoundRobin, type TurnLimits } from '../../src/scheduling/deficit-round-robin.js';

const LIMITS: TurnLimits = {
  quantum: 16,
  flowMs: Infinity,
  turnCost: 64,
  turnMs: Infinity,
  mostCost: Infinity,
};

/** A flow, with the costs of the steps that there are to do for it. */
interface Flow {
  readonly name: string;
  readonly steps: number[];
}

/** Flows that are served turn by turn, and their steps in each turn. */
class Flows {
  nowMs = 0;
  readonly turns: { name: string; cost: number; round: number }[][] = [];
  readonly #limits: TurnLimits;
  readonly scheduler: DeficitRoundRobin<Flow>;
  /** Milliseconds that a step takes. */
  stepMs = 0;

  constructor(limits: Partial<TurnLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.scheduler = new DeficitRoundRobin(this.#limits, () => this.nowMs);
  }

  give(flow: Flow, ...costs: number[]): void {
    flow.steps.push(...costs);
    this.scheduler.add(flow);
  }

  /** The names of those that were served, step by step. */
  turn(): string[] {
    const done: { name: string; cost: number; round: number }[] = [];
    this.scheduler.beginTurn(this.#limits);
    this.scheduler.serve({
      hasWork: ({ steps }) => steps.length > 0,
      step: ({ name, steps }) => {
        const cost = steps.shift() ?? 1;
        done.push({ name, cost, round: this.scheduler.round });
        this.nowMs += this.stepMs;
        return cost;
      },
    });
    this.turns.push(done);
    return done.map(({ name }) => name);
  }
}

const flow = (name: string): Flow => ({ name, steps: [] });
const times = (count: number, cost: number) => new Array<number>(count).fill(cost);

describe('flows that share turns', () => {
  it('are served ahead on credit, up to a quantum', () => {
    const flows = new Flows();
    const one = flow('one');
    flows.give(one, 16);
    flows.turn();
    const steps: number[] = [];
    for (const cost of [10, 50, 1]) {
      flows.scheduler.serveAhead(one, () => (steps.push(cost), cost));
    }
    expect(steps).toEqual([10, 50]);
    // Beside one that pays as it goes, its debt of 60 is four rounds.
    const other = flow('other');
    flows.give(other, ...times(100, 16));
    flows.give(one, 1);
    expect([...flows.turn(), ...flows.turn()].indexOf('one')).toBeGreaterThanOrEqual(3);
  });

  it.each([1, 8, 100])('are served at once if they are quiet, beside %d that are not', (count) => {
    const flows = new Flows();
    const [quiet, hostile] = [flow('quiet'), Array.from({ length: count }, () => flow('hostile'))];
    for (const one of hostile) flows.give(one, ...times(100, 70));
    for (let turn = 0; turn < 10; turn += 1) flows.turn();
    for (let turn = 0; turn < 10; turn += 1) {
      flows.give(quiet, 1);
      const served = flows.turn();
      expect(served[0]).toBe('quiet');
      // Two steps of 70 are more than a turn may cost.
      expect(served.length).toBeLessThanOrEqual(2);
    }
  });

  it('wait for their next quantum once theirs is used up', () => {
    const flows = new Flows({ turnCost: 16 });
    const [a, b] = [flow('a'), flow('b')];
    flows.give(a, ...times(100, 4));
    flows.give(b, ...times(100, 4));
    // The quanta of both, and one of those that wait by then.
    expect(flows.turn().join('')).toBe('aaaabbbb' + 'aaaa');
    expect(flows.turn().join('')).toBe('bbbb');
    expect(flows.turn().join('')).toBe('aaaa');
  });

  it('pay for a step that costs more than a quantum', () => {
    const flows = new Flows({ turnCost: 1 });
    const [a, b] = [flow('a'), flow('b')];
    flows.give(a, ...times(100, 64));
    flows.give(b, ...times(1000, 4));
    const served = Array.from({ length: 60 }, () => flows.turn()).flat();
    const costOf = (name: string, cost: number) => cost * served.filter((n) => n === name).length;
    // The costs of the flows differ by one step, whatever a step costs.
    expect(Math.abs(costOf('a', 64) - costOf('b', 4))).toBeLessThanOrEqual(64 + 16);
  });

  it('pay for costs outside of their steps', () => {
    const flows = new Flows({ turnCost: 16 });
    const [a, b] = [flow('a'), flow('b')];
    flows.scheduler.charge(a, 16 * 5);
    for (const one of [a, b]) flows.give(one, ...times(100, 16));
    const served = Array.from({ length: 6 }, () => flows.turn()).flat();
    expect(served.slice(0, 5)).toEqual(['b', 'b', 'b', 'b', 'b']);
    expect(served).toContain('a');
  });

  it('keep no credit beyond one quantum', () => {
    const flows = new Flows({ turnCost: 16 });
    const [a, b] = [flow('a'), flow('b')];
    flows.give(b, ...times(200, 16));
    flows.give(a, 1);
    for (let turn = 0; turn < 100; turn += 1) flows.turn();
    flows.give(a, ...times(100, 1));
    expect(flows.turn().filter((name) => name === 'a')).toHaveLength(16);
  });

  it('end their part of a turn, and a turn, when it takes too long, whatever its cost', () => {
    const flows = new Flows({ flowMs: 1, turnMs: 3 });
    flows.stepMs = 1;
    for (const name of ['a', 'b', 'c', 'd', 'e']) flows.give(flow(name), ...times(100, 0.1));
    // All are ready at first, each for one slow step; then as many as there is time for.
    expect(flows.turn().join('')).toBe('abcde' + 'a');
    expect(flows.turn().join('')).toBe('bcd');
    expect(flows.turn().join('')).toBe('eab');
  });

  it('are served at least once a turn, however slow the ready ones are', () => {
    const flows = new Flows({ turnMs: 1 });
    const [slow, waiting] = [flow('slow'), flow('waiting')];
    flows.give(waiting, ...times(100, 16));
    flows.turn();
    flows.stepMs = 10;
    for (let turn = 0; turn < 5; turn += 1) {
      flows.give(slow, 1);
      expect(flows.turn()).toEqual(['slow', 'waiting']);
    }
  });

  it('alone have a turn to themselves', () => {
    const flows = new Flows();
    flows.give(flow('a'), ...times(100, 2));
    expect(flows.turn()).toHaveLength(32);
  });

  it('are not served any more once they are gone', () => {
    const flows = new Flows();
    const [a, b] = [flow('a'), flow('b')];
    for (const one of [a, b]) flows.give(one, ...times(100, 16));
    flows.turn();
    flows.scheduler.remove(a);
    expect(flows.turn()).not.toContain('a');
    flows.scheduler.clear();
    expect([flows.scheduler.hasWork, flows.turn()]).toEqual([false, []]);
  });

  it('leave the rest of a first turn that would cost too much to the next one', () => {
    const first = { ...LIMITS, quantum: 100, turnCost: 0, mostCost: 150 };
    const scheduler = new DeficitRoundRobin<Flow>(first);
    const flows = ['a', 'b', 'c'].map((name) => ({ name, steps: times(200, 10) }));
    for (const one of flows) scheduler.add(one);
    const served: string[] = [];
    const service = {
      hasWork: ({ steps }: Flow) => steps.length > 0,
      step: ({ name, steps }: Flow) => served.push(name) && (steps.shift() ?? 1),
    };
    scheduler.beginTurn(first);
    scheduler.serve(service);
    expect(served.join('')).toBe('a'.repeat(10) + 'b'.repeat(10));
    served.length = 0;
    scheduler.beginTurn(LIMITS);
    scheduler.serve(service);
    // The rest of a greater quantum is not part of the usual one.
    expect(served.join('')).toMatch(/^cca/);
  });
});

describe('under any load', () => {
  const steps = fc.array(fc.oneof(fc.constantFrom(1, 2, 70), fc.integer({ min: 1, max: 100 })), {
    maxLength: 30,
  });
  const event = fc.record({
    flow: fc.nat({ max: 5 }),
    steps,
    charged: fc.oneof(fc.constant(0), fc.nat({ max: 50 })),
    turns: fc.nat({ max: 3 }),
  });
  const MOST = 100;

  it('a turn costs no more than its limit, and a quantum and a step for each that was ready', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const flows = new Flows();
        const all = Array.from({ length: 6 }, (_, index) => flow(String(index)));
        for (const { flow: index, steps: costs, turns } of events) {
          const one = all[index];
          if (one !== undefined && costs.length > 0) flows.give(one, ...costs);
          for (let turn = 0; turn < turns; turn += 1) flows.turn();
        }
        for (const done of flows.turns) {
          const total = done.reduce((sum, { cost }) => sum + cost, 0);
          const ready = new Set(done.map(({ name }) => name)).size;
          expect(total).toBeLessThan(LIMITS.turnCost + (ready + 1) * (LIMITS.quantum + MOST));
        }
      }),
    );
  });

  it('each gets in a round its quantum and the excess of its last step, and no more', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const flows = new Flows();
        const all = Array.from({ length: 6 }, (_, index) => flow(String(index)));
        for (const { flow: index, steps: costs, turns } of events) {
          const one = all[index];
          if (one !== undefined && costs.length > 0) flows.give(one, ...costs);
          for (let turn = 0; turn < turns; turn += 1) flows.turn();
        }
        const before = new Map<string, number>();
        for (const { name, cost, round } of flows.turns.flat()) {
          const key = `${name} in ${round}`;
          expect(before.get(key) ?? 0).toBeLessThan(LIMITS.quantum);
          before.set(key, (before.get(key) ?? 0) + cost);
        }
      }),
    );
  });

  it('the costs of two flows that never run out of work differ by a quantum and a step at most', () => {
    const costs = fc.infiniteStream(fc.integer({ min: 1, max: MOST }));
    fc.assert(
      fc.property(
        fc.array(costs, { minLength: 2, maxLength: 6 }),
        fc.nat({ max: 60 }),
        (all, turns) => {
          const flows = new Flows();
          for (const [index, stream] of all.entries()) {
            flows.give(flow(String(index)), ...[...stream.take(500)]);
          }
          for (let turn = 0; turn < turns; turn += 1) flows.turn();
          const done = flows.turns.flat();
          const totals = all.map((_, index) =>
            done
              .filter(({ name }) => name === String(index))
              .reduce((sum, { cost }) => sum + cost, 0),
          );
          const difference = Math.max(...totals) - Math.min(...totals);
          expect(difference).toBeLessThanOrEqual(LIMITS.quantum + MOST);
        },
      ),
    );
  });

  it('each that has work is served within a bounded number of turns', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.nat({ max: 5 }), (events, index) => {
        const flows = new Flows();
        const all = Array.from({ length: 6 }, (_, number) => flow(String(number)));
        let owed = 0;
        for (const { flow: at, steps: given, charged, turns } of events) {
          const one = all[at];
          if (one === undefined) continue;
          if (given.length > 0) flows.give(one, ...given);
          flows.scheduler.charge(one, charged);
          if (at === index) owed += charged;
          for (let turn = 0; turn < turns; turn += 1) flows.turn();
        }
        const one = all[index];
        if (one === undefined) return;
        flows.give(one, 1);
        const before = one.steps.length;
        // Each turn serves one that waits at least, and each round gives it a quantum.
        const rounds = Math.ceil((owed + MOST) / LIMITS.quantum) + 1;
        const turns = rounds * all.length;
        let waited = 0;
        while (one.steps.length === before && waited <= turns) {
          flows.turn();
          waited += 1;
        }
        expect(waited).toBeLessThanOrEqual(turns);
      }),
    );
  });
});
