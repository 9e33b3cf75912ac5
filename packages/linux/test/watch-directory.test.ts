import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { until } from '../../../tests/support/processes.js';
import * as addon from '../src/addon.js';
import type { DirectoryWatch, WatchFilter } from '../src/watch-directory.js';

// Whether there is an addon is a matter of the machine.
const load = jest.fn(addon.addonIfAny);
jest.unstable_mockModule('../src/addon.js', () => ({ ...addon, addonIfAny: load }));
const { watchDirectory, WatchEvent } = await import('../src/watch-directory.js');

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

const RESPONSES = { events: WatchEvent.MOVED_TO, prefix: 'response' };
const fail = (error: Error) => {
  throw error;
};

/** All names that a watch on the directory tells. */
function watched(filter: WatchFilter = RESPONSES): string[] {
  const told: string[] = [];
  watches.push(
    watchDirectory(
      directory,
      filter,
      (names) => {
        told.push(...names);
      },
      fail,
    ),
  );
  return told;
}

describe.each([
  ['with the addon', addon.addonIfAny],
  ['without it', () => undefined],
])('a watch %s', (_name, implementation) => {
  beforeEach(() => {
    load.mockImplementation(implementation);
  });

  test('tells of names that are put in place, in their order', async () => {
    const told = watched();
    for (const name of ['response-a.txt', 'response.txt', 'response-b.txt']) put(name);
    await until(() => told.includes('response-b.txt'), 'the last is told');
    expect([...new Set(told)]).toEqual(['response-a.txt', 'response.txt', 'response-b.txt']);
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
    expect(() =>
      watchDirectory(path.join(directory, 'absent'), RESPONSES, () => undefined, fail),
    ).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});

test('the addon is not woken for anything but what is waited for', async () => {
  load.mockImplementation(addon.addonIfAny);
  const told = watched();
  fs.writeFileSync(path.join(directory, 'response-a.txt'), '');
  put('request-a.txt');
  put('response-b.txt');
  fs.unlinkSync(path.join(directory, 'request-a.txt'));
  await until(() => told.includes('response-b.txt'), 'it is told');
  expect(told).toEqual(['response-b.txt']);
});

test('the addon tells each prefix its own events, in the same directory', async () => {
  load.mockImplementation(addon.addonIfAny);
  const requests = watched({ events: WatchEvent.CLOSE_WRITE, prefix: 'request' });
  const responses = watched();
  fs.writeFileSync(path.join(directory, 'request-a.txt'), '');
  put('response-a.txt');
  fs.writeFileSync(path.join(directory, 'response-b.txt'), '');
  fs.writeFileSync(path.join(directory, 'request-b.txt'), '');
  await until(() => requests.includes('request-b.txt') && responses.length > 0, 'both are told');
  expect(requests).toEqual(['request-a.txt', 'request-b.txt']);
  expect(responses).toEqual(['response-a.txt']);
});

describe('the addon', () => {
  const file = fileURLToPath(
    new URL(`../prebuilds/${process.platform}-${process.arch}/vgpu_linux.node`, import.meta.url),
  );
  const run = (script: string) => {
    const prelude = `const { watch, unwatch } = require(process.argv[1]);
      const { writeFileSync } = require('node:fs');
      const [path, other] = process.argv.slice(2);`;
    const other = path.join(directory, 'other');
    fs.mkdirSync(other);
    const args = ['-e', prelude + script, file, directory, other];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('does not keep a process alive, nor end it while it watches', () => {
    expect(run(`watch(path, ${WatchEvent.CLOSE_WRITE}, 'request', () => {});`)).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('leaves what a listener throws to the process', () => {
    const { status, stderr } = run(`
      watch(path, ${WatchEvent.CLOSE_WRITE}, 'request', () => { throw new Error('of the listener'); });
      writeFileSync(path + '/request.txt', '');
      setTimeout(() => {}, 60_000);`);
    expect(stderr).toContain('Error: of the listener');
    expect(status).toBe(1);
  });

  test('is not used any more once a listener ends the last watch, and can be again', () => {
    const { status, stdout } = run(`
      const close = () => { unwatch(first); unwatch(second); unwatch(second); again(); };
      const first = watch(path, ${WatchEvent.CLOSE_WRITE}, 'request', close);
      const second = watch(path, ${WatchEvent.CLOSE_WRITE}, 'request', () => console.log('told in vain'));
      const again = () => {
        const third = watch(other, ${WatchEvent.CLOSE_WRITE}, 'request', (names) => { console.log(names); unwatch(third); });
        writeFileSync(other + '/request.txt', '');
      };
      writeFileSync(path + '/request.txt', '');
      writeFileSync(path + '/request.txt', '');
      setTimeout(() => {}, 500);`);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "[ 'request.txt' ]\n" });
  });
});
