import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { sourceHash } from '../../linux/scripts/source-hash.mjs';
import { LaunchOutcome, type NativeAddon } from '../src/native.js';
import { testWherePrebuilt } from '../../../tests/support/describe-if.js';
import { environment } from '../../../tests/support/processes.js';
import { describeOnStub, runChild } from './support/stub.js';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const sources = ['binding.gyp', 'native', 'kernels'];
const prebuilds = join(packageRoot, 'prebuilds/linux-x64');

function addonOf(folder: string): NativeAddon {
  return createRequire(import.meta.url)(join(folder, 'vgpu_cuda.node')) as NativeAddon;
}

testWherePrebuilt('the prebuilt addon is that of the sources', () => {
  expect(addonOf(prebuilds).sourceHash).toBe(sourceHash(packageRoot));
});

testWherePrebuilt('the prebuilt addon has the numbers of LaunchOutcome', () => {
  expect({ ...addonOf(prebuilds).launchOutcomes }).toEqual(LaunchOutcome);
});

test('the kernels are a fat binary', () => {
  const image = readFileSync(join(packageRoot, 'kernels/vector_add.fatbin'));
  expect(image.readUInt32LE(0)).toBe(0xba55ed50);
});

describeOnStub('an addon built here', () => {
  let root: string;

  beforeAll(() => {
    // In a copy of the package, since other tests may use this one meanwhile.
    root = mkdtempSync(join(tmpdir(), 'vgpu-built-'));
    for (const name of [...sources, 'dist', 'package.json', 'test/children']) {
      cpSync(join(packageRoot, name), join(root, name), { recursive: true });
    }
    symlinkSync(join(packageRoot, 'node_modules'), join(root, 'node_modules'));
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(packageRoot, '../../scripts/build-addon.mjs'), root],
      { env: environment, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  test('is that of the sources', () => {
    const platform = `${process.platform}-${process.arch}`;
    expect(addonOf(join(root, 'prebuilds', platform)).sourceHash).toBe(sourceHash(packageRoot));
  });

  test('conforms', async () => {
    const { status, lines } = await runChild<{ name: string; outcome: string }>('conformance', {
      root,
    });
    expect(status).toBe(0);
    expect(lines.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(lines.length).toBeGreaterThan(30);
  });
});
