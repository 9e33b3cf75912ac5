import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DirectoryCursor } from '../../src/spool/directory-cursor.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/until.js';

let path: string;
beforeEach(() => {
  path = temporaryDirectory();
});
afterEach(async () => {
  await until('nothing is open', () => openBelow(path).length === 0);
});

const fill = (count: number) => {
  const names = Array.from({ length: count }, (_, index) => `file-${index}`).sort();
  for (const name of names) writeFileSync(join(path, name), '');
  return names;
};

describe('a cursor that reads ahead', () => {
  // None, one batch, and beyond it.
  it.each([0, 1, 1023, 1024, 1025, 3000])(
    'gives each of %d names once, after a thread',
    async (count) => {
      const names = fill(count);
      const cursor = new DirectoryCursor(path, true);
      const given: string[] = [];
      let waits = 0;
      for (let name = cursor.next(); name !== null; name = cursor.next()) {
        if (name !== undefined) {
          given.push(name);
          continue;
        }
        waits += 1;
        expect(cursor.isReading).toBe(false);
        const done = new Promise<void>((resolve) => {
          cursor.readAhead(resolve);
        });
        expect(cursor.isReading).toBe(true);
        await done;
        expect(cursor.isReading).toBe(false);
      }
      cursor.close();
      expect(given.sort()).toEqual(names);
      expect(waits).toBeGreaterThan(0);
    },
  );

  it('lets the directory go when it is closed while a thread reads', async () => {
    fill(10);
    const cursor = new DirectoryCursor(path, true);
    const done = new Promise<void>((resolve) => {
      cursor.readAhead(resolve);
    });
    cursor.close();
    await done;
    expect(cursor.isReading).toBe(false);
  });

  it('ends where the directory has been removed', async () => {
    path = join(path, 'gone');
    mkdirSync(path);
    const cursor = new DirectoryCursor(path, true);
    rmSync(path, { recursive: true });
    await new Promise<void>((resolve) => {
      cursor.readAhead(resolve);
    });
    expect(cursor.next()).toBeNull();
    cursor.close();
  });
});

describe('a cursor that does not', () => {
  it('gives each name at once', () => {
    const names = fill(300);
    const cursor = new DirectoryCursor(path, false);
    const given: (string | null | undefined)[] = [];
    for (let name = cursor.next(); name !== null; name = cursor.next()) given.push(name);
    cursor.close();
    expect(given.sort()).toEqual(names);
  });
});
