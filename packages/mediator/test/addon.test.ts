import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { testIf, testWherePrebuilt } from '../../../tests/support/describe-if.js';
import { environment } from '../../../tests/support/processes.js';
import { sourceHash } from '../scripts/source-hash.mjs';
import type { NativeAddon } from '../src/linux/native.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const packages = fileURLToPath(new URL('../..', import.meta.url));
const platform = `${process.platform}-${process.arch}`;
const hasTools = ['g++', 'make', 'python3'].every(
  (tool) => spawnSync(tool, ['--version']).status === 0,
);
const HOW_TO_BUILD = 'skipped: it needs g++, make and Python (apt-get install g++ make python3)';

const loadFrom = (folder: string) =>
  createRequire(import.meta.url)(join(folder, platform, 'vgpu_spool.node')) as NativeAddon;

testWherePrebuilt('the prebuilt addon is that of the sources', () => {
  expect(loadFrom(join(packages, 'mediator/prebuilds')).sourceHash).toBe(sourceHash());
});

testIf(hasTools, HOW_TO_BUILD, 'an addon built here is that of the sources', () => {
  // In a copy: others may be using these packages meanwhile.
  const copy = temporaryDirectory();
  for (const part of [
    'mediator/native',
    'mediator/scripts',
    'vm-client/native',
    'vm-client/scripts',
  ]) {
    cpSync(join(packages, part), join(copy, part), { recursive: true });
  }
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(packages, '../scripts/build-addon.mjs'), join(copy, 'mediator')],
    { env: environment, encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(loadFrom(join(copy, 'mediator/prebuilds')).sourceHash).toBe(sourceHash());
});
