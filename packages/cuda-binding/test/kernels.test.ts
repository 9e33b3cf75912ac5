import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { describeIf } from '../../../tests/support/describe-if.js';
import { environment } from '../../../tests/support/processes.js';

const packageRoot = resolve(import.meta.dirname, '..');
const kernels = join(packageRoot, 'kernels');

/** Name and SHA-256 of each file when the kernels were built. */
function builtFrom(folder: string): Record<string, string> {
  const text = readFileSync(join(folder, 'vector_add.sha256'), 'utf8');
  const lines = text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, hash = '', name = '']) => [name, hash]));
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

interface Image {
  readonly kind: 'machine code' | 'intermediate code';
  readonly architecture: number;
  readonly content: string;
}

/**
 * The images in a fat binary. Its header has 16 bytes. That of an image has the kind at 0, its own
 * size at 4, that of the content at 8 and the architecture at 28.
 */
function imagesOf(fatBinary: Buffer): Image[] {
  const images: Image[] = [];
  for (let at = 16; at < fatBinary.length;) {
    const begin = at + fatBinary.readUInt32LE(at + 4);
    const end = begin + Number(fatBinary.readBigUInt64LE(at + 8));
    images.push({
      kind: fatBinary.readUInt16LE(at) === 2 ? 'machine code' : 'intermediate code',
      architecture: fatBinary.readUInt32LE(at + 28),
      content: fatBinary.toString('latin1', begin, end),
    });
    at = end;
  }
  return images;
}

/**
 * Machine code without the parts of variables' names that nvcc derives from the path of the folder:
 * nothing else depends on that. Intermediate code is compressed, so its text can't be compared; it is
 * made of the same sources at the same time.
 */
function comparable(fatBinary: Buffer): Image[] {
  return imagesOf(fatBinary).map((image) => ({
    ...image,
    content:
      image.kind === 'machine code'
        ? image.content.replaceAll(/_[0-9a-f]{8}_13_vector_add_cu_[0-9a-f]{8}/g, '')
        : '',
  }));
}

const images = comparable(readFileSync(join(kernels, 'vector_add.fatbin')));

test('the kernels are those of the sources', () => {
  const names = ['kernel_interface.h', 'vector_add.cu', 'vector_add.fatbin'];
  expect(builtFrom(kernels)).toEqual(
    Object.fromEntries(names.map((name) => [name, sha256(join(kernels, name))])),
  );
});

test('the kernels are built for each architecture, and for later ones', () => {
  expect(images.map(({ kind, architecture }) => `${kind} ${architecture}`).sort()).toEqual(
    ['intermediate code 75'].concat(
      [100, 120, 75, 80, 86, 89, 90].map((architecture) => `machine code ${architecture}`),
    ),
  );
});

const compiler = [process.env['NVCC'] ?? 'nvcc', '/usr/local/cuda/bin/nvcc'].find((nvcc) =>
  String(spawnSync(nvcc, ['--version']).stdout).includes('release 13.0'),
);
const HOW_TO_ENABLE = 'skipped: it needs nvcc 13.0 (install the CUDA toolkit, or set NVCC)';

describeIf(compiler !== undefined, HOW_TO_ENABLE, 'kernels built here', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vgpu-kernels-'));
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(packageRoot, 'scripts/build-kernels.mjs'), folder],
      { env: { ...environment, NVCC: compiler }, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('are those that the package carries', () => {
    expect(comparable(readFileSync(join(folder, 'vector_add.fatbin')))).toEqual(images);
  });

  test('say what they were built from', () => {
    const { 'vector_add.fatbin': built, ...sources } = builtFrom(folder);
    expect(built).toBe(sha256(join(folder, 'vector_add.fatbin')));
    expect(builtFrom(kernels)).toMatchObject(sources);
  });
});
