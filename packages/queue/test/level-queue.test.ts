import { setImmediate as nextTurn } from 'node:timers/promises';

import { describe, expect, test } from '@jest/globals';
import { type Handle, LevelQueue, type LevelQueueOptions, QueueError } from '@vgpu/queue';
import fc from 'fast-check';
import { collectGarbage, NOISE_BYTES, usedMemory } from './support/memory.js';
import { arbitraryCommands, expectLikeModel } from './support/model.js';

/** A queue of three levels with the given priorities, each pushed as the value 'index:priority'. */
function queueOf(...priorities: number[]): LevelQueue<string> {
  const queue = new LevelQueue<string>({ levels: 3 });
  for (const [index, priority] of priorities.entries())
    queue.push(`${index}:${priority}`, priority);
  return queue;
}

function drain<T>(queue: LevelQueue<T>): (T | undefined)[] {
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
  const levels = fc.integer({ min: 1, max: 32 });
  const priority = (levels: number) => fc.nat({ max: levels - 1 });

  test('with any number of levels', () => {
    const cases = levels.chain((levels) =>
      fc.tuple(fc.constant(levels), arbitraryCommands(priority(levels), 200, 1)),
    );
    fc.assert(
      fc.property(cases, ([levels, commands]) => {
        expectLikeModel(new LevelQueue<number>({ levels }), commands);
      }),
    );
  });

  test('with a capacity', () => {
    const capacity = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(arbitraryCommands(priority(3), 60, 2), capacity, (commands, capacity) => {
        expectLikeModel(new LevelQueue<number>({ levels: 3, capacity }), commands);
      }),
    );
  });

  test('over many chunks', () => {
    fc.assert(
      fc.property(arbitraryCommands(priority(2), 40, 1500), (commands) => {
        expectLikeModel(new LevelQueue<number>({ levels: 2 }), commands);
      }),
      { numRuns: 20 },
    );
  });
});

describe('levels', () => {
  test.each([[0], [33], [1.5], [-1], [NaN], [Infinity], ['3'], [undefined], [null]])(
    'of %p are refused',
    (levels) => {
      const error = errorOf(() => new LevelQueue({ levels: levels as number }));
      expect(error).toBeInstanceOf(QueueError);
      expect(error).toMatchObject({
        code: 'INVALID_LEVELS',
        message:
          `Expected a number of levels from 1 to 32, got ${String(levels)}. ` +
          'Use a PriorityQueue for more, or for other priorities than 0 to levels - 1.',
      });
    },
  );

  test('up to 32 are in order', () => {
    const queue = new LevelQueue<number>({ levels: 32 });
    expect(queue.levels).toBe(32);
    for (let i = 0; i < 64; i += 1) queue.push(i, i % 32);
    expect(drain(queue)).toEqual(Array.from({ length: 32 }, (_, i) => [31 - i, 63 - i]).flat());
  });
});

describe('a priority', () => {
  test.each([
    [NaN],
    [3],
    [-1],
    [0.5],
    [Infinity],
    ['length'],
    ['1'],
    [undefined],
    [null],
    [Symbol('s')],
  ])('of %p is refused and the queue stays unchanged', (priority) => {
    const queue = queueOf(1, 2);
    expect(errorOf(() => queue.push('new', priority as number))).toMatchObject({
      code: 'INVALID_PRIORITY',
      message:
        `Expected a priority that is an integer from 0 to 2, got ${String(priority)}. ` +
        'Create the queue with more levels, or use a PriorityQueue.',
    });
    expect([...queue]).toEqual(['1:2', '0:1']);
  });

  test('-0 is 0', () => {
    expect(drain(queueOf(0, -0, 0))).toEqual(['0:0', '1:0', '2:0']);
  });
});

describe('capacity', () => {
  test.each<[Omit<LevelQueueOptions, 'levels'>, number]>([
    [{}, Infinity],
    [{ capacity: 1 }, 1],
  ])('of %p is %d', (options, capacity) => {
    expect(new LevelQueue({ levels: 1, ...options }).capacity).toBe(capacity);
  });

  test.each([[0], [1.5], [NaN], ['2']])('of %p is refused', (capacity) => {
    const error = errorOf(() => new LevelQueue({ levels: 1, capacity: capacity as number }));
    expect(error).toMatchObject({ code: 'INVALID_CAPACITY' });
  });

  test('a full queue refuses elements and stays unchanged, until an element leaves', () => {
    const queue = new LevelQueue<string>({ levels: 2, capacity: 2 });
    queue.push('a', 0);
    const b = queue.push('b', 0);
    expect(errorOf(() => queue.push('c', 1))).toMatchObject({ code: 'QUEUE_FULL' });
    expect([...queue]).toEqual(['a', 'b']);
    queue.delete(b);
    queue.push('d', 1);
    expect(drain(queue)).toEqual(['d', 'a']);
  });
});

describe('values', () => {
  test('of any kind may be queued, undefined included', () => {
    const values = [undefined, null, 0, '', {}, Symbol('any')];
    const queue = new LevelQueue<unknown>({ levels: 1 });
    for (const value of values) queue.push(value, 0);
    expect([...queue]).toEqual(values);
    expect(drain(queue)).toEqual(values);
    expect([queue.peek(), queue.pop()]).toEqual([undefined, undefined]);
  });
});

describe('a handle', () => {
  test.each([[NaN], [-1], [0.5], [Infinity], [2 ** 53], [31], [32 * 256], [32 * 1e6]])(
    'of %p, never issued, is refused',
    (forged) => {
      const queue = queueOf(1, 2, 2, 1);
      expect(queue.delete(forged as Handle)).toBe(false);
      expect(queue.size).toBe(4);
    },
  );

  test('of a popped or cleared element is refused, whatever is pushed afterwards', () => {
    const queue = new LevelQueue<number>({ levels: 3 });
    const stale: Handle[] = [];
    for (let round = 0; round < 60; round += 1) {
      for (let value = 0; value < 50; value += 1) stale.push(queue.push(value, value % 3));
      if (round % 2 === 0) queue.clear();
      else drain(queue);
    }
    for (let value = 0; value < 50; value += 1) queue.push(value, 0);
    expect(stale.filter((handle) => queue.delete(handle))).toEqual([]);
    expect(queue.size).toBe(50);
    expect(new Set(stale).size).toBe(stale.length);
  });

  test('of an element in a chunk that was dropped is refused', () => {
    const queue = queueOf(0);
    const handles = Array.from({ length: 2000 }, (_, i) => queue.push(String(i), 0));
    expect(handles.slice(0, 1900).filter((handle) => queue.delete(handle))).toHaveLength(1900);
    expect(handles.slice(0, 1900).filter((handle) => queue.delete(handle))).toEqual([]);
    expect(drain(queue)).toEqual(['0:0', ...Array.from({ length: 100 }, (_, i) => `${i + 1900}`)]);
  });
});

describe('iteration', () => {
  test.each<[string, (queue: LevelQueue<string>, handle: Handle) => unknown]>([
    ['push', (queue) => queue.push('new', 0)],
    ['pop', (queue) => queue.pop()],
    ['delete', (queue, handle) => queue.delete(handle)],
    ['pop and push', (queue) => queue.push(queue.pop() ?? '', 0)],
    [
      'clear',
      (queue) => {
        queue.clear();
      },
    ],
  ])('is refused after a %s', (_, change) => {
    const queue = queueOf(1, 2);
    const handle = queue.push('last', 0);
    const iterator = queue[Symbol.iterator]();
    expect(iterator.next().value).toBe('1:2');
    change(queue, handle);
    expect(errorOf(() => iterator.next())).toMatchObject({ code: 'CHANGED_WHILE_ITERATING' });
    expect(iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('continues after operations that change nothing', () => {
    const queue = queueOf(0, 2);
    const stale = queue.push('gone', 2);
    queue.delete(stale);
    const seen: string[] = [];
    for (const value of queue) {
      seen.push(value);
      queue.peek();
      queue.delete(stale);
      expect(() => queue.push('c', NaN)).toThrow(QueueError);
    }
    expect(seen).toEqual(['1:2', '0:0']);
  });
});

describe('memory', () => {
  test.each<[string, (queue: LevelQueue<object>, handle: Handle) => unknown]>([
    ['popped', (queue) => queue.pop() !== undefined],
    ['deleted', (queue, handle) => queue.delete(handle)],
    [
      'cleared',
      (queue) => {
        queue.clear();
      },
    ],
  ])('a value that was %s is not kept', async (_, leave) => {
    const queue = new LevelQueue<object>({ levels: 2 });
    const pushWeakly = (): { handle: Handle; value: WeakRef<object> } => {
      const value = {};
      return { handle: queue.push(value, 1), value: new WeakRef(value) };
    };
    queue.push({}, 0);
    const { handle, value } = pushWeakly();
    leave(queue, handle);

    // A WeakRef keeps its target until the end of the turn that made it.
    await nextTurn();
    collectGarbage();
    expect(value.deref()).toBeUndefined();
    expect(queue.size).toBeLessThan(2);
  });

  test('is freed after a burst, even if the first element stays', () => {
    const queue = new LevelQueue<number>({ levels: 3 });
    const before = usedMemory();
    queue.push(-1, 2);
    const handles = Array.from({ length: 300_000 }, (_, value) => queue.push(value, value % 3));
    handles.forEach((handle, value) => {
      if (value % 3 === 2) queue.delete(handle);
    });
    expect(queue.pop()).toBe(-1);
    const behind = queue.push(-2, 2);
    for (const handle of handles) queue.delete(handle);
    expect(queue.size).toBe(1);
    handles.length = 0;
    expect(usedMemory() - before).toBeLessThan(NOISE_BYTES);
    expect(queue.delete(behind)).toBe(true);
  });

  test('is 8 bytes for each element, and is freed as they are popped', () => {
    const queue = new LevelQueue<number>({ levels: 3 });
    const before = usedMemory();
    for (let value = 0; value < 300_000; value += 1) queue.push(value, value % 3);
    expect((usedMemory() - before) / queue.size).toBeLessThan(20);
    while (queue.size > 10) queue.pop();
    expect(usedMemory() - before).toBeLessThan(NOISE_BYTES);
    expect(queue.size).toBe(10);
  });

  test('stays the same while many elements come and go behind a first element that stays', () => {
    const queue = new LevelQueue<number>({ levels: 1 });
    queue.push(-1, 0);
    const pass = (count: number): void => {
      for (let value = 0; value < count; value += 1) queue.delete(queue.push(value, 0));
    };
    pass(10_000);
    const before = usedMemory();
    pass(200_000);
    expect(usedMemory() - before).toBeLessThan(NOISE_BYTES);
    expect([...queue]).toEqual([-1]);
  });
});
