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
  stream.flush();
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

test('lines that follow each other fast go together, soon', async () => {
  const reader = new FakeSlowReader();
  const stream = new LossyStream(reader, () => undefined);
  for (const line of ['a\n', 'b\n', 'c\n']) stream.write(line);
  await new Promise((resolve) => setTimeout(resolve, 50));
  stream.write('d\n');
  stream.write('e\n');
  stream.flush();
  await reader.catchUp();
  expect(reader.lines).toEqual(['a\n', 'b\nc\n', 'd\n', 'e\n']);
});
