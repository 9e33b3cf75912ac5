import { describe, expect, test } from '@jest/globals';
import { type Handle, LevelQueue, PriorityQueue, QueueError } from '@vgpu/queue';

// Values that programs without a type checker may pass instead. In calculations the first ones become 0 or 1:
// the handles and priorities of the first elements.
const ZEROS = [null, '', '0', false, [], [0], new Date(0), { valueOf: () => 0 }];
const ONES = [true, '1', [1], 1n];
const BARE: unknown = Object.create(null);
const OTHERS: readonly unknown[] = [undefined, NaN, 'x', {}, BARE, Symbol('s'), 0n, () => 0];
const NUMBERS = [0.5, -1, -0.5, -32, -64, 1e300, Infinity, -Infinity, 2 ** 53, 2 ** 53 + 32];
const NO_HANDLES: readonly unknown[] = [...ZEROS, ...ONES, ...OTHERS, ...NUMBERS];

const QUEUES = [
  ['PriorityQueue', () => new PriorityQueue<string>()],
  ['LevelQueue', () => new LevelQueue<string>({ levels: 3 })],
] as const;

describe.each(QUEUES)('a %s', (_, makeQueue) => {
  /** In every state in which handles are looked up: just filled, partly emptied, and compacted. */
  function makeQueues() {
    const few = makeQueue();
    const first = few.push('a', 0);
    few.push('b', 1);
    few.push('c', 2);
    const emptied = makeQueue();
    for (let i = 0; i < 5000; i++) emptied.push(String(i), i % 3);
    while (emptied.size > 3) emptied.pop();
    return { few, emptied, first };
  }

  test('deletes nothing for a value that is not a handle', () => {
    const { few, emptied } = makeQueues();
    for (const queue of [few, emptied, makeQueue()]) {
      const before = [...queue];
      expect(NO_HANDLES.filter((value) => queue.delete(value as Handle))).toEqual([]);
      expect([...queue]).toEqual(before);
      expect(queue.size).toBe(before.length);
    }
  });

  test('deletes nothing for the text of a handle, or twice for the handle', () => {
    const { few, first } = makeQueues();
    expect(few.delete(String(first) as unknown as Handle)).toBe(false);
    expect(few.delete(first)).toBe(true);
    expect(few.delete(first)).toBe(false);
    expect(few.size).toBe(2);
  });

  test('refuses to push with a priority that is not a number, and stays unchanged', () => {
    const { few } = makeQueues();
    for (const priority of [...ZEROS, ...ONES, ...OTHERS]) {
      expect(() => few.push('x', priority as number)).toThrow(QueueError);
    }
    expect([...few]).toEqual(['c', 'b', 'a']);
  });
});

test.each([
  ...[...ZEROS, ...ONES, ...OTHERS]
    .filter((value) => value !== undefined)
    .map((value): [unknown] => [value]),
])('a capacity of %p is refused', (value) => {
  const capacity = value as number;
  const code = 'INVALID_CAPACITY';
  const thrown = expect.objectContaining({ name: 'QueueError', code });
  expect(() => new PriorityQueue({ capacity })).toThrow(thrown);
  expect(() => new LevelQueue({ levels: 3, capacity })).toThrow(thrown);
});

test('without an object of options', () => {
  expect(new PriorityQueue(null as never).capacity).toBe(Infinity);
  for (const options of [undefined, null, 3, '3']) {
    expect(() => new LevelQueue(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_LEVELS' }),
    );
  }
});
