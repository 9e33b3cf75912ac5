import { describe, expect, it } from '@jest/globals';
import type { Pool, Priority } from '@vgpu/protocol';
import fc from 'fast-check';
import type { QueuedRequest } from '../../src/scheduling/queued-request.js';
import type { DeviceSlot, QueueStore } from '../../src/scheduling/queue-store.js';

/** A device that takes one request at a time. */
export class FakeSlot implements DeviceSlot {
  readonly pools: readonly Pool[];
  isFree = true;

  constructor(...pools: readonly Pool[]) {
    this.pools = pools;
  }
}

type Store = QueueStore<QueuedRequest, FakeSlot>;

/** July 2025, in nanoseconds: a double counts such numbers in steps of 256. */
const NOW_NS = 1_752_000_000_123_456_789n;

function fakeRequest(priority: Priority, arrivalNs: bigint, pool: Pool = 'A'): QueuedRequest {
  const call = { operation: 'add', a: Int32Array.of(1), b: Int32Array.of(2) } as const;
  return { vm: 1, slot: 'x', priority, pool, arrivalNs, call, admittedMs: 0 };
}

/** The simplest model of a queue: a list that is searched. */
class Model {
  readonly #queued: QueuedRequest[] = [];

  get size(): number {
    return this.#queued.length;
  }

  has(request: QueuedRequest): boolean {
    return this.#queued.includes(request);
  }

  add(...requests: readonly QueuedRequest[]): void {
    this.#queued.push(...requests);
  }

  remove(request: QueuedRequest): boolean {
    const index = this.#queued.indexOf(request);
    if (index >= 0) this.#queued.splice(index, 1);
    return index >= 0;
  }

  first(pools: readonly Pool[]): QueuedRequest | undefined {
    return this.#queued.filter(({ pool }) => pools.includes(pool)).sort(inOrder)[0];
  }

  depth(pool: Pool, priority: Priority): number {
    return this.#queued.filter((one) => one.pool === pool && one.priority === priority).length;
  }
}

function inOrder(x: QueuedRequest, y: QueuedRequest): number {
  if (x.priority !== y.priority) return y.priority - x.priority;
  if (x.arrivalNs !== y.arrivalNs) return x.arrivalNs < y.arrivalNs ? -1 : 1;
  return (x.seq ?? 0) - (y.seq ?? 0);
}

const request = fc
  .tuple(
    fc.constantFrom<Priority[]>(0, 1, 2),
    fc.bigInt(-2n, 2n),
    fc.constantFrom<Pool[]>('A', 'B'),
  )
  .map(([priority, offsetNs, pool]) => fakeRequest(priority, NOW_NS + offsetNs, pool));
const act = fc.oneof(
  fc.record({ kind: fc.constant('admit' as const), requests: fc.array(request, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('offer' as const), slot: fc.nat({ max: 2 }) }),
  fc.record({ kind: fc.constantFrom('requeue' as const, 'withdraw' as const), pick: fc.nat() }),
);

type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** The history that tells most of an order: the first of two equals is granted, and comes back. */
function requeueAmongEquals(): Act[] {
  const requests = [fakeRequest(1, NOW_NS), fakeRequest(1, NOW_NS)];
  const offer: Act = { kind: 'offer', slot: 0 };
  return [{ kind: 'admit', requests }, offer, { kind: 'requeue', pick: 0 }, offer, offer];
}

/** @throws if a store of some history of calls does not do as the model does. */
export function checkQueueStore(open: () => Store): void {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const [store, model] = [open(), new Model()];
      const slots = [new FakeSlot('A', 'B'), new FakeSlot('A'), new FakeSlot('B')];
      const granted: QueuedRequest[] = [];
      const known: QueuedRequest[] = [];
      for (const { kind, ...given } of acts) {
        if (kind === 'admit' && 'requests' in given) {
          store.admit(given.requests);
          model.add(...given.requests);
          known.push(...given.requests);
        } else if (kind === 'offer' && 'slot' in given) {
          for (const [index, slot] of slots.entries()) slot.isFree = index === given.slot;
          const expected = model.first(slots[given.slot]?.pools ?? []);
          const grants: QueuedRequest[] = [];
          store.offer(slots, (slot, one) => {
            expect(slot).toBe(slots[given.slot]);
            slot.isFree = false;
            grants.push(one);
          });
          expect(grants).toEqual(expected === undefined ? [] : [expected]);
          for (const one of grants) model.remove(one);
          granted.push(...grants);
        } else if (kind === 'requeue' && 'pick' in given && granted.length > 0) {
          const [one] = granted.splice(given.pick % granted.length, 1);
          if (one === undefined) continue;
          store.requeue(one);
          model.add(one);
        } else if (kind === 'withdraw' && 'pick' in given && known.length > 0) {
          const one = known[given.pick % known.length];
          if (one !== undefined) expect(store.withdraw(one)).toBe(model.remove(one));
        }
        expect(store.size).toBe(model.size);
        for (const { pool, priority, queued } of store.depths) {
          expect(queued).toBe(model.depth(pool, priority));
        }
        const queued = [...store];
        expect(queued.filter((one) => !model.has(one))).toEqual([]);
        expect(queued).toHaveLength(model.size);
      }
    }),
    { numRuns: 500, examples: [[requeueAmongEquals()]] },
  );
}

/** The contract of every {@link QueueStore} with the dispatcher. */
export function describeQueueStore(name: string, open: () => Store): void {
  describe(`${name}, a queue store`, () => {
    /** All that is queued, in the order in which it is granted. */
    function drain(store: Store): QueuedRequest[] {
      const slot = new FakeSlot('A', 'B');
      const granted: QueuedRequest[] = [];
      store.offer([slot], (_slot, one) => granted.push(one));
      return granted;
    }

    it('property: does as a list that is searched', () => {
      checkQueueStore(open);
    });

    it('numbers requests in the order of arrival', () => {
      const store = open();
      const [late, early] = [fakeRequest(0, NOW_NS + 1n), fakeRequest(0, NOW_NS)];
      store.admit([late, early]);
      expect([early.seq, late.seq]).toEqual([1, 2]);
    });

    it('grants to a slot for as long as it is free, and to each in turn', () => {
      const store = open();
      const requests = [fakeRequest(2, 1n), fakeRequest(1, 1n, 'B'), fakeRequest(0, 1n)];
      store.admit(requests);
      const [first, second] = [new FakeSlot('B'), new FakeSlot('A', 'B')];
      const granted: unknown[] = [];
      store.offer([first, second], (slot, one) => {
        granted.push([slot, one]);
        if (slot === first) slot.isFree = false;
      });
      expect(granted).toEqual([
        [first, requests[1]],
        [second, requests[0]],
        [second, requests[2]],
      ]);
      expect(store.size).toBe(0);
    });

    it('grants nothing if no slot is free, or no slot serves the pool', () => {
      const store = open();
      store.admit([fakeRequest(2, 1n)]);
      const busy = new FakeSlot('A', 'B');
      busy.isFree = false;
      store.offer([busy, new FakeSlot('B'), new FakeSlot()], () => {
        throw new Error('expected no grant');
      });
      expect(store.size).toBe(1);
    });

    it('knows the oldest of each priority', () => {
      const store = open();
      const [young, old] = [fakeRequest(1, 2n, 'A'), fakeRequest(1, 1n, 'B')];
      store.admit([young]);
      store.admit([old]);
      expect([store.oldest(2), store.oldest(1), store.oldest(0)]).toEqual([
        undefined,
        old,
        undefined,
      ]);
      expect(store.withdraw(old)).toBe(true);
      expect(store.withdraw(old)).toBe(false);
      expect(store.oldest(1)).toBe(young);
      expect(drain(store)).toEqual([young]);
      expect(store.withdraw(young)).toBe(false);
    });
  });
}
