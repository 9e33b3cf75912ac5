import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { LossyStream } from '../src/cli/lossy-stream.js';

/** A reader that takes nothing until it is told to. */
class FakeSlowReader extends Writable {
  readonly lines: string[] = [];
  #next: (() => void) | undefined;

  override _write(line: Buffer, _encoding: BufferEncoding, next: () => void): void {
    this.lines.push(line.toString());
    this.#next = next;
  }

  /** Takes all that waits. */
  async catchUp(): Promise<void> {
    while (this.writableLength > 0) {
      this.#next?.();
      await new Promise(setImmediate);
    }
  }
}

const KIB = `${'x'.repeat(1023)}\n`;

test('lines are dropped while their reader does not keep up, and counted', async () => {
  const reader = new FakeSlowReader();
  const dropped: number[] = [];
  const stream = new LossyStream(reader, (lines) => dropped.push(lines));
  for (let i = 0; i < 5000; i += 1) stream.write(KIB);
  await new Promise(setImmediate);
  expect(reader.writableLength).toBe(2 ** 20);
  expect(stream.writableLength).toBe(0);
  expect(dropped).toEqual([]);
  await reader.catchUp();
  stream.write('the next\n');
  stream.write('and another\n');
  stream.flush();
  await reader.catchUp();
  expect(dropped).toEqual([5000 - 1024]);
  const taken = reader.lines.join('');
  expect(taken.slice(1024 * KIB.length)).toBe('the next\nand another\n');
});

test('the lines of a turn go together', async () => {
  const reader = new FakeSlowReader();
  const stream = new LossyStream(reader, () => undefined);
  stream.write('a\n');
  stream.write('b\n');
  await new Promise(setImmediate);
  stream.write('c\n');
  stream.flush();
  await reader.catchUp();
  expect(reader.lines).toEqual(['a\nb\n', 'c\n']);
});

test('a reader that has gone, or a disk that is full, stops nothing', async () => {
  const gone = new Writable({
    write: (_line, _encoding, done) => {
      done(new Error('EPIPE'));
    },
  });
  const full = new Writable({
    write: () => {
      throw new Error('ENOSPC');
    },
  });
  for (const reader of [gone, full]) {
    const stream = new LossyStream(reader, () => undefined);
    for (let i = 0; i < 10; i += 1) {
      stream.write('x\n');
      await new Promise(setImmediate);
    }
    expect(stream.destroyed).toBe(false);
  }
});
