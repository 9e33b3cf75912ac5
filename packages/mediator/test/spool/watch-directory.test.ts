import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { DirectoryWatch } from '@vgpu/linux';
import * as addon from '../../../linux/src/addon.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/until.js';

const load = jest.fn(addon.addonIfAny);
jest.unstable_mockModule('../../../linux/src/addon.js', () => ({ ...addon, addonIfAny: load }));
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
  ['with the addon', addon.addonIfAny],
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
