import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { loadAddon } from '../../src/linux/native.js';
import type { DirectoryWatch } from '../../src/spool/watch-directory.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/until.js';

const load = jest.fn(loadAddon);
jest.unstable_mockModule('../../src/linux/native.js', () => ({ loadAddon: load }));
const { watchDirectory } = await import('../../src/spool/watch-directory.js');

let path: string;
let watch: DirectoryWatch | undefined;
let names: string[];
let others: number;
let onLost: jest.Mock<(error: Error) => void>;
const at = (name: string) => join(path, name);

beforeEach(() => {
  path = temporaryDirectory();
  names = [];
  others = 0;
  onLost = jest.fn();
});
afterEach(() => watch?.close());

function watchFor(events: 'ofRequests' | 'ofNames'): void {
  watch = watchDirectory(
    path,
    events,
    (told, more) => {
      names.push(...told);
      others += more;
    },
    onLost,
  );
}

describe.each([
  ['with the addon', loadAddon],
  ['without it', () => undefined],
])('a watch %s', (_name, implementation) => {
  beforeEach(() => {
    load.mockImplementation(implementation);
  });

  test('reports requests that are written, renamed into place and withdrawn', async () => {
    watchFor('ofRequests');
    fs.writeFileSync(at('request.txt'), 'A:2:1:100:200\n');
    await until('it is told', () => names.includes('request.txt'));
    fs.writeFileSync(at('.new'), 'A:2:1:100:200\n');
    fs.renameSync(at('.new'), at('request-a.txt'));
    await until('it is told', () => names.includes('request-a.txt'));
    names.length = 0;
    fs.unlinkSync(at('request.txt'));
    await until('it is told', () => names.includes('request.txt'));
    expect(names).not.toContain('.new');
    expect(others).toBeGreaterThan(0);
  });

  test('reports that names are created and removed', async () => {
    watchFor('ofNames');
    fs.mkdirSync(at('vm1'));
    await until('it is told', () => others === 1);
    fs.renameSync(at('vm1'), at('vm2'));
    await until('it is told', () => others === 3);
    fs.rmdirSync(at('vm2'));
    await until('it is told', () => others === 4);
    expect(names).toEqual([]);
  });

  test('reports nothing once it is closed', async () => {
    watchFor('ofRequests');
    watch?.close();
    fs.writeFileSync(at('request.txt'), '');
    watchFor('ofRequests');
    fs.writeFileSync(at('request-a.txt'), '');
    await until('that is told', () => names.includes('request-a.txt'));
    expect(names).not.toContain('request.txt');
  });

  test('reports that there is no watch', () => {
    fs.rmdirSync(path);
    watchFor('ofRequests');
    expect(watch).toBeUndefined();
    expect(onLost).toHaveBeenCalledWith(expect.objectContaining({ code: 'ENOENT' }));
    fs.mkdirSync(path);
  });
});

describe('the addon', () => {
  const addon = fileURLToPath(
    new URL(`../../prebuilds/${process.platform}-${process.arch}/vgpu_spool.node`, import.meta.url),
  );
  const CLOSE_WRITE = 8;
  const run = (script: string) => {
    const prelude = `const { watch, unwatch } = require(process.argv[1]);
      const { writeFileSync } = require('node:fs');
      const [path, other] = process.argv.slice(2);`;
    const args = ['-e', prelude + script, addon, path, temporaryDirectory()];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test('does not keep a process alive, nor end it while it watches', () => {
    expect(run(`watch(path, ${CLOSE_WRITE}, () => {});`)).toMatchObject({ status: 0, stderr: '' });
  });

  test('leaves errors of a listener to the process', () => {
    const { status, stderr } = run(`
      watch(path, ${CLOSE_WRITE}, () => { throw new Error('of the listener'); });
      writeFileSync(path + '/request.txt', '');
      setTimeout(() => {}, 60_000);`);
    expect(stderr).toContain('Error: of the listener');
    expect(status).toBe(1);
  });

  test('is not used any more once a listener ends the last watch, and can be again', () => {
    const { status, stdout } = run(`
      const close = () => { unwatch(first); unwatch(second); unwatch(second); again(); };
      const first = watch(path, ${CLOSE_WRITE}, close);
      const second = watch(path, ${CLOSE_WRITE}, () => console.log('told in vain'));
      const again = () => {
        const third = watch(other, ${CLOSE_WRITE}, (names) => { console.log(names); unwatch(third); });
        writeFileSync(other + '/request.txt', '');
      };
      writeFileSync(path + '/request.txt', '');
      writeFileSync(path + '/request.txt', '');
      setTimeout(() => {}, 500);`);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "[ 'request.txt' ]\n" });
  });
});
