import { expect, test } from '@jest/globals';
import { type LineTarget, LossyStream } from '../../src/cli/lossy-stream.js';

/** A reader that takes nothing until it is told to. */
class FakeSlowReader implements LineTarget {
  readonly taken: string[] = [];
  readonly #waiting: { lines: string; done: (error?: Error) => void }[] = [];

  get waitingBytes(): number {
    return this.#waiting.reduce((sum, { lines }) => sum + lines.length, 0);
  }

  write(lines: string, done: (error?: Error) => void): void {
    this.#waiting.push({ lines, done });
  }

  /** Takes all that waits. */
  async catchUp(): Promise<void> {
    await new Promise(setImmediate);
    for (const { lines, done } of this.#waiting.splice(0)) {
      this.taken.push(lines);
      done();
    }
  }

  /** Lets all fail that waits. */
  async fail(): Promise<void> {
    await new Promise(setImmediate);
    for (const { done } of this.#waiting.splice(0)) done(new Error('ENOSPC'));
  }
}

const KIB = `${'x'.repeat(1023)}\n`;

test('lines are dropped while their reader does not keep up, and counted once it does', async () => {
  const reader = new FakeSlowReader();
  const dropped: number[] = [];
  const stream = new LossyStream(reader, (lines) => dropped.push(lines));
  for (let i = 0; i < 5000; i += 1) stream.write(KIB);
  await new Promise(setImmediate);
  expect(reader.waitingBytes).toBe(2 ** 20);
  expect(stream.writableLength).toBe(0);
  expect(dropped).toEqual([]);
  // Without another line.
  await reader.catchUp();
  expect(dropped).toEqual([5000 - 1024]);
  stream.write('the next\n');
  stream.write('and another\n');
  await reader.catchUp();
  expect(dropped).toEqual([5000 - 1024]);
  const taken = reader.taken.join('');
  expect(taken.slice(1024 * KIB.length)).toBe('the next\nand another\n');
});

test('the lines of a turn go together', async () => {
  const reader = new FakeSlowReader();
  const stream = new LossyStream(reader, () => undefined);
  stream.write('a\n');
  stream.write('b\n');
  await new Promise(setImmediate);
  stream.write('c\n');
  await reader.catchUp();
  expect(reader.taken).toEqual(['a\nb\n', 'c\n']);
});

test('what could not be written is counted once something can', async () => {
  const reader = new FakeSlowReader();
  const dropped: number[] = [];
  const stream = new LossyStream(reader, (lines) => {
    dropped.push(lines);
    stream.write('dropped\n');
  });
  for (let i = 0; i < 10; i += 1) {
    stream.write('x\n');
    stream.write('y\n');
    await reader.fail();
  }
  expect(dropped).toEqual([]);
  stream.write('z\n');
  await reader.catchUp();
  await reader.catchUp();
  expect(dropped).toEqual([20]);
  expect(reader.taken).toEqual(['z\n', 'dropped\n']);
  expect(stream.destroyed).toBe(false);
});
