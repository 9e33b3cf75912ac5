import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { until } from '../../../tests/support/processes.js';
import { loadAddon } from '../src/native.js';
import type { DirectoryWatch } from '../src/watch-directory.js';

// Whether there is an addon is a matter of the machine.
const load = jest.fn(loadAddon);
jest.unstable_mockModule('../src/native.js', () => ({ loadAddon: load }));
const { watchDirectory } = await import('../src/watch-directory.js');

let directory: string;
let watches: DirectoryWatch[];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-watch-'));
  watches = [];
});
afterEach(() => {
  for (const watch of watches) watch.close();
  fs.rmSync(directory, { recursive: true });
});

function put(name: string): void {
  fs.writeFileSync(path.join(directory, 'new'), '300\n');
  fs.renameSync(path.join(directory, 'new'), path.join(directory, name));
}

/** All names that a watch on the directory tells. */
function watched(): string[] {
  const told: string[] = [];
  watches.push(
    watchDirectory(directory, (names) => {
      told.push(...(names ?? []));
    }),
  );
  return told;
}

describe.each([
  ['with the addon', loadAddon],
  [
    'without it',
    () => {
      throw new Error('none');
    },
  ],
])('a watch %s', (_name, implementation) => {
  beforeEach(() => {
    load.mockImplementation(implementation);
  });

  test('tells of answers that are put in place, in their order', async () => {
    const told = watched();
    for (const name of ['response-a.txt', 'response.txt', 'response-b.txt']) put(name);
    await until(() => told.includes('response-b.txt'), 'the last is told');
    const answers = told.filter((name) => name.startsWith('response'));
    expect([...new Set(answers)]).toEqual(['response-a.txt', 'response.txt', 'response-b.txt']);
  });

  test('tells all who watch the same directory, for as long as they do', async () => {
    const [first, second] = [watched(), watched()];
    put('response-a.txt');
    await until(() => first.length > 0 && second.length > 0, 'both are told');
    watches.shift()?.close();
    const { length } = first;
    put('response-b.txt');
    await until(() => second.includes('response-b.txt'), 'the second is told');
    expect(first).toHaveLength(length);
  });

  test('says why there is none', () => {
    expect(() => watchDirectory(path.join(directory, 'absent'), () => undefined)).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });
});

test('the addon is not woken for anything but answers', async () => {
  load.mockImplementation(loadAddon);
  const told = watched();
  fs.writeFileSync(path.join(directory, 'response-a.txt'), '');
  put('request-a.txt');
  put('response-b.txt');
  fs.unlinkSync(path.join(directory, 'request-a.txt'));
  await until(() => told.includes('response-b.txt'), 'the answer is told');
  expect(told).toEqual(['response-b.txt']);
});
