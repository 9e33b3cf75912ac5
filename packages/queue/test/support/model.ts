import { expect } from '@jest/globals';
import { type Handle, type LevelQueue, type PriorityQueue, QueueError } from '@vgpu/queue';
import fc from 'fast-check';

export type Queue<T> = LevelQueue<T> | PriorityQueue<T>;

/** An operation on the queue and on the model; `count` times, to pass the sizes at which they grow. */
export type Command =
  | { readonly kind: 'push'; readonly priorities: readonly number[]; readonly count: number }
  | { readonly kind: 'pop'; readonly count: number }
  | { readonly kind: 'delete'; readonly which: readonly number[]; readonly count: number }
  | { readonly kind: 'delete left' | 'iterate' | 'clear' };

export function arbitraryCommands(
  priority: fc.Arbitrary<number>,
  maxLength: number,
  maxCount: number,
): fc.Arbitrary<Command[]> {
  const count = fc.oneof(
    { weight: 5, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: maxCount }) },
  );
  const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { minLength: 1, size: '-1' });
  const kind = <K extends string>(name: K) => fc.constant(name);
  return fc.array(
    fc.oneof(
      {
        weight: 60,
        arbitrary: fc.record({ kind: kind('push'), priorities: some(priority), count }),
      },
      { weight: 25, arbitrary: fc.record({ kind: kind('pop'), count }) },
      { weight: 25, arbitrary: fc.record({ kind: kind('delete'), which: some(fc.nat()), count }) },
      { weight: 5, arbitrary: fc.record({ kind: kind('delete left') }) },
      { weight: 10, arbitrary: fc.record({ kind: kind('iterate') }) },
      { weight: 1, arbitrary: fc.record({ kind: kind('clear') }) },
    ),
    { maxLength, size: 'max' },
  );
}

interface Modelled {
  readonly value: number;
  readonly priority: number;
  readonly handle: Handle;
}

/** Runs the commands on a queue and on a sorted array, and compares the results. */
export function expectLikeModel(queue: Queue<number>, commands: readonly Command[]): void {
  let model: Modelled[] = [];
  const issued = new Set<Handle>();
  let left: Handle[] = [];

  const push = (priority: number): void => {
    const value = issued.size;
    if (model.length === queue.capacity) {
      expect(() => queue.push(value, priority)).toThrow(QueueError);
      return;
    }
    const handle = queue.push(value, priority);
    expect(issued.has(handle)).toBe(false);
    issued.add(handle);
    const behind = model.findIndex((other) => other.priority < priority);
    model.splice(behind < 0 ? model.length : behind, 0, { value, priority, handle });
  };

  const pop = (): void => {
    const first = model.shift();
    expect(queue.pop()).toBe(first?.value);
    if (first !== undefined) left.push(first.handle);
  };

  const remove = (which: number): void => {
    const [element] = model.splice(which % Math.max(1, model.length), 1);
    if (element === undefined) return;
    expect(queue.delete(element.handle)).toBe(true);
    left.push(element.handle);
  };

  const run = (command: Command): void => {
    switch (command.kind) {
      case 'push':
        for (let i = 0; i < command.count; i += 1) push(at(command.priorities, i));
        return;
      case 'pop':
        for (let i = 0; i < command.count; i += 1) pop();
        return;
      case 'delete':
        for (let i = 0; i < command.count; i += 1) remove(at(command.which, i));
        return;
      case 'delete left':
        expect(left.filter((handle) => queue.delete(handle))).toEqual([]);
        return;
      case 'iterate':
        expect([...queue]).toEqual(model.map(({ value }) => value));
        return;
      case 'clear':
        queue.clear();
        left = [...issued];
        model = [];
    }
  };

  for (const command of commands) {
    run(command);
    expect(queue.size).toBe(model.length);
    expect(queue.peek()).toBe(model[0]?.value);
  }
  run({ kind: 'iterate' });
  run({ kind: 'delete left' });
  while (model.length > 0) pop();
  expect(queue.pop()).toBeUndefined();
}

function at(list: readonly number[], index: number): number {
  return list[index % list.length] ?? 0;
}
