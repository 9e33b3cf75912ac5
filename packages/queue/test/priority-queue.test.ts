import { setImmediate as nextTurn } from 'node:timers/promises';

import { describe, expect, test } from '@jest/globals';
import { type Handle, PriorityQueue, type PriorityQueueOptions, QueueError } from '@vgpu/queue';
import fc from 'fast-check';
import { collectGarbage, NOISE_BYTES, usedMemory } from './support/memory.js';
import { arbitraryCommands, expectLikeModel } from './support/model.js';

/** A queue of the given priorities, each pushed as the value 'index:priority'. */
function queueOf(...priorities: number[]): PriorityQueue<string> {
  const queue = new PriorityQueue<string>();
  for (const [index, priority] of priorities.entries())
    queue.push(`${index}:${priority}`, priority);
  return queue;
}

function drain<T>(queue: PriorityQueue<T>): (T | undefined)[] {
  return Array.from({ length: queue.size }, () => queue.pop());
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected the action to throw');
}

describe('against a sorted array', () => {
  // Few different priorities, so that most elements have equals, and all kinds of others.
  const priority = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -1, max: 2 }) },
    { weight: 1, arbitrary: fc.constantFrom(-0, Infinity, -Infinity, 1 + Number.EPSILON) },
    { weight: 1, arbitrary: fc.double({ noNaN: true }) },
  );

  test('without limit', () => {
    fc.assert(
      fc.property(arbitraryCommands(priority, 200, 1), (commands) => {
        expectLikeModel(new PriorityQueue<number>(), commands);
      }),
    );
  });

  test('with a capacity', () => {
    const capacity = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(arbitraryCommands(priority, 60, 2), capacity, (commands, capacity) => {
        expectLikeModel(new PriorityQueue<number>({ capacity }), commands);
      }),
    );
  });

  test('while it grows, and frees memory', () => {
    fc.assert(
      fc.property(arbitraryCommands(priority, 40, 1500), (commands) => {
        expectLikeModel(new PriorityQueue<number>(), commands);
      }),
      { numRuns: 20 },
    );
  });
});

describe('order', () => {
  test('higher priorities leave first, from Infinity to -Infinity', () => {
    const queue = queueOf(-1, 0.5, -Infinity, 2, Infinity, 0, -0.5);
    expect(drain(queue).join(' ')).toBe('4:Infinity 3:2 1:0.5 5:0 6:-0.5 0:-1 2:-Infinity');
  });

  test.each([[1], [-Infinity], [Infinity], [0.1]])(
    'equals of %d leave in the order of arrival',
    (priority) => {
      const values = Array.from({ length: 100 }, (_, index) => index);
      const queue = new PriorityQueue<number>();
      for (const value of values) queue.push(value, priority);
      expect(drain(queue)).toEqual(values);
    },
  );

  test('-0 equals 0', () => {
    expect(drain(queueOf(-0, 0, -0, 0))).toEqual(['0:0', '1:0', '2:0', '3:0']);
  });

  test('priorities are compared without rounding', () => {
    const queue = queueOf(1, 1 + Number.EPSILON, 2 ** 53 - 1, 2 ** 53, Number.MIN_VALUE, 0);
    expect(drain(queue).map((value) => value?.[0])).toEqual(['3', '2', '1', '0', '4', '5']);
  });

  test('equals keep their order while others leave in between', () => {
    const queue = new PriorityQueue<string>();
    queue.push('a', 1);
    const first = queue.push('x', 1);
    queue.push('b', 1);
    queue.push('urgent', 2);
    expect(queue.pop()).toBe('urgent');
    queue.delete(first);
    queue.push('c', 1);
    expect(drain(queue)).toEqual(['a', 'b', 'c']);
  });

  test('any value may be queued, undefined included', () => {
    const queue = new PriorityQueue<string | undefined>();
    queue.push('after', 0);
    queue.push(undefined, 1);
    expect([...queue]).toEqual([undefined, 'after']);
    expect([queue.pop(), queue.size]).toEqual([undefined, 1]);
  });

  test('peek does not remove', () => {
    const queue = queueOf(0, 1);
    expect([queue.peek(), queue.peek(), queue.size]).toEqual(['1:1', '1:1', 2]);
  });

  test('an empty queue returns undefined', () => {
    const queue = queueOf();
    expect([queue.peek(), queue.pop(), queue.size]).toEqual([undefined, undefined, 0]);
  });
});

describe('delete', () => {
  test('removes the element of the handle, once', () => {
    const queue = queueOf(2, 1);
    const handle = queue.push('this', 1);
    queue.push('after', 1);
    expect([queue.delete(handle), queue.delete(handle)]).toEqual([true, false]);
    expect(drain(queue)).toEqual(['0:2', '1:1', 'after']);
  });

  test('restores the order upwards when the gap is filled from another branch', () => {
    // As a binary heap: 10 over (1, 9), 1 over (0, -1), 9 over (8, 7). 7 takes the place of 0, and belongs
    // above 1.
    const queue = queueOf(10, 1, 9);
    const handle = queue.push('gone', 0);
    for (const priority of [-1, 8, 7]) queue.push(`later:${priority}`, priority);
    queue.delete(handle);
    expect(drain(queue)).toEqual(['0:10', '2:9', 'later:8', 'later:7', '1:1', 'later:-1']);
  });

  test('refuses the handles of popped or cleared elements, whatever is pushed afterwards', () => {
    const queue = new PriorityQueue<number>();
    const stale: Handle[] = [];
    for (let round = 0; round < 50; round++) {
      for (let value = 0; value < 50; value++) stale.push(queue.push(value, value % 3));
      if (round % 2 === 0) queue.clear();
      else drain(queue);
    }
    for (let value = 0; value < 50; value++) queue.push(value, 0);

    expect(stale.filter((handle) => queue.delete(handle))).toEqual([]);
    expect(queue.size).toBe(50);
    expect(new Set(stale).size).toBe(stale.length);
  });

  test('finds elements among many that have left', () => {
    const queue = new PriorityQueue<number>();
    const handles = Array.from({ length: 1000 }, (_, value) => queue.push(value, -value));
    const kept = handles.filter((handle, value) => value % 100 === 50 || !queue.delete(handle));
    expect(kept.map((handle) => queue.delete(handle))).toEqual(Array<boolean>(10).fill(true));
    expect(queue.size).toBe(0);
  });

  test.each([[NaN], [-1], [0.5], [Infinity], [2 ** 53]])('refuses %d, never issued', (forged) => {
    const queue = queueOf(1, 2, 3);
    expect(queue.delete(forged as Handle)).toBe(false);
    expect(queue.size).toBe(3);
  });
});

describe('capacity', () => {
  test.each<[PriorityQueueOptions | undefined, number]>([
    [undefined, Infinity],
    [{}, Infinity],
    [{ capacity: Infinity }, Infinity],
    [{ capacity: 1 }, 1],
  ])('of %p is %d', (options, capacity) => {
    expect(new PriorityQueue(options).capacity).toBe(capacity);
  });

  test.each([[0], [-1], [1.5], [NaN], [-Infinity], ['2'], [null], [2n]])(
    'of %p is refused',
    (capacity) => {
      const error = errorOf(() => new PriorityQueue({ capacity: capacity as number }));
      expect(error).toMatchObject({
        code: 'INVALID_CAPACITY',
        message:
          'Expected a capacity that is a positive integer or Infinity, ' +
          `got ${String(capacity)}. Leave it out for a queue without limit.`,
      });
    },
  );

  test('a full queue refuses elements and stays unchanged, until an element leaves', () => {
    const queue = new PriorityQueue<string>({ capacity: 2 });
    queue.push('a', 0);
    const b = queue.push('b', 0);
    expect(errorOf(() => queue.push('c', 1))).toMatchObject({
      code: 'QUEUE_FULL',
      message:
        'Expected fewer elements than the capacity of 2, got 2. ' +
        'Pop or delete one before pushing, or create the queue with a larger capacity.',
    });
    expect([...queue]).toEqual(['a', 'b']);
    queue.delete(b);
    queue.push('d', 1);
    expect(drain(queue)).toEqual(['d', 'a']);
  });
});

describe('a priority', () => {
  test.each([[NaN], ['1'], [undefined], [null], [1n], [Symbol('high')]])(
    'of %p is refused and the queue stays unchanged',
    (priority) => {
      const queue = queueOf(1, 2);
      const error = errorOf(() => queue.push('new', priority as number));
      expect(error).toMatchObject({
        code: 'INVALID_PRIORITY',
        message:
          `Expected a priority that is a number and not NaN, got ${String(priority)}. ` +
          'Use Infinity or -Infinity for "before all" or "after all".',
      });
      expect([...queue]).toEqual(['1:2', '0:1']);
    },
  );
});

describe('iteration', () => {
  test('yields values in the order of pop without removing them', () => {
    const queue = queueOf(0, 2, 1, 2, 0);
    const expected = ['1:2', '3:2', '2:1', '0:0', '4:0'];
    expect([...queue]).toEqual(expected);
    expect([...queue]).toEqual(expected);
    expect(drain(queue)).toEqual(expected);
  });

  test('several iterators do not disturb one another', () => {
    const queue = queueOf(1, 2, 3);
    const pairs: string[] = [];
    for (const a of queue) for (const b of queue) pairs.push(a + b);
    expect(pairs).toEqual([...queue].flatMap((a) => [...queue].map((b) => a + b)));
  });

  test.each<[string, (queue: PriorityQueue<string>, handle: Handle) => unknown]>([
    ['push', (queue) => queue.push('new', -1)],
    ['pop', (queue) => queue.pop()],
    ['delete', (queue, handle) => queue.delete(handle)],
    [
      'clear',
      (queue) => {
        queue.clear();
      },
    ],
    ['pop and push', (queue) => queue.push(queue.pop() ?? '', 0)],
  ])('is refused after a %s', (_, change) => {
    const queue = queueOf(1, 2);
    const handle = queue.push('last', 0);
    const iterator = queue[Symbol.iterator]();
    iterator.next();
    change(queue, handle);
    const error = errorOf(() => iterator.next());
    expect(error).toMatchObject({ code: 'CHANGED_WHILE_ITERATING' });
    expect(String(error)).toMatch(
      /^QueueError: Expected the queue to stay as it is while it is iterated, got [123] change\(s\)\. Leave the loop before changing the queue, or iterate over a copy: \[\.\.\.queue\]\.$/,
    );
    expect(iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('is refused after a change at the last value, too', () => {
    const queue = queueOf(1);
    const loop = (): void => {
      for (const value of queue) expect(queue.pop()).toBe(value);
    };
    expect(errorOf(loop)).toMatchObject({ code: 'CHANGED_WHILE_ITERATING' });
  });

  test('continues after operations that change nothing', () => {
    const queue = new PriorityQueue<string>({ capacity: 2 });
    const stale = queue.push('gone', 0);
    queue.pop();
    queue.push('a', 0);
    queue.push('b', 0);
    const seen: string[] = [];
    for (const value of queue) {
      seen.push(value);
      queue.peek();
      queue.delete(stale);
      expect(() => queue.push('c', 0)).toThrow(QueueError);
      expect(() => queue.push('c', NaN)).toThrow(QueueError);
    }
    expect(seen).toEqual(['a', 'b']);
  });

  test('starts with the first value, not with the iterator', () => {
    const queue = queueOf(1);
    const iterator = queue[Symbol.iterator]();
    queue.push('new', 2);
    expect([...iterator]).toEqual(['new', '0:1']);
  });

  test('a loop that was left does not prevent changes', () => {
    const queue = queueOf(1, 2);
    for (const value of queue) {
      if (value === '1:2') break;
    }
    expect(drain(queue)).toEqual(['1:2', '0:1']);
  });
});

test('QueueError is an Error with its own name', () => {
  const error = errorOf(() => queueOf(NaN));
  expect(error).toBeInstanceOf(QueueError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toHaveProperty('name', 'QueueError');
});

describe('memory', () => {
  /** Pushes an object that only the queue references. */
  function pushWeakly(queue: PriorityQueue<object>): { handle: Handle; value: WeakRef<object> } {
    const value = {};
    return { handle: queue.push(value, 1), value: new WeakRef(value) };
  }

  test.each<[string, (queue: PriorityQueue<object>, handle: Handle) => unknown]>([
    ['popped', (queue) => queue.pop() !== undefined],
    ['deleted', (queue, handle) => queue.delete(handle)],
    [
      'cleared',
      (queue) => {
        queue.clear();
      },
    ],
  ])('a value that was %s is not kept', async (_, leave) => {
    const queue = new PriorityQueue<object>();
    queue.push({}, 0);
    const { handle, value } = pushWeakly(queue);
    leave(queue, handle);

    // A WeakRef keeps its target until the end of the turn that made it.
    await nextTurn();
    collectGarbage();
    expect(value.deref()).toBeUndefined();
    // Without a use after the collection, the queue itself might have been collected.
    expect(queue.size).toBeLessThan(2);
  });

  test.each([
    ['first', 0],
    ['last', 300_000],
  ])('comes back after a burst, though the %s element stays', (_, which) => {
    const queue = new PriorityQueue<number>();
    const before = usedMemory();
    for (let value = 0; value <= 300_000; value++)
      queue.push(value, value === which ? -1 : value % 3);
    const held = usedMemory() - before;
    expect(held / queue.size).toBeLessThan(55);
    while (queue.size > 1) queue.pop();
    expect(usedMemory() - before).toBeLessThan(held / 10);
    expect(queue.pop()).toBe(which);
  });

  test('stays the same while many come and go', () => {
    const queue = new PriorityQueue<number>();
    queue.push(-1, -1);
    const pass = (count: number): void => {
      for (let value = 0; value < count; value++) {
        queue.push(value, Math.sin(value));
        if (queue.size > 1000) queue.pop();
      }
    };
    pass(10_000);
    const before = usedMemory();
    pass(200_000);
    expect(usedMemory() - before).toBeLessThan(NOISE_BYTES);
    expect([...queue].at(-1)).toBeDefined();
  });
});

test('a hundred thousand leave in order, and every second handle finds its element', () => {
  const queue = new PriorityQueue<number>();
  const priorities = Array.from({ length: 100_000 }, (_, i) => Math.imul(i, 0x9e37_79b1) % 5000);
  const handles = priorities.map((priority, value) => queue.push(value, priority));
  const kept = priorities.map((_, value) => value).filter((value) => value % 2 === 0);
  expect(handles.filter((handle, value) => value % 2 === 1 && queue.delete(handle))).toHaveLength(
    50_000,
  );
  expect(drain(queue)).toEqual(
    kept.toSorted((a, b) => (priorities[b] ?? 0) - (priorities[a] ?? 0) || a - b),
  );
  expect(handles.some((handle) => queue.delete(handle))).toBe(false);
});
