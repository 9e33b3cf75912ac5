import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { environment } from '../../../../tests/support/processes.js';
import { compile, compileStub } from './stub.js';

const packageRoot = resolve(import.meta.dirname, '../..');
const native = join(packageRoot, 'native');

/** The modules of native/ that know the driver, and neither vectors nor JavaScript. */
const LAYER = [
  'completion',
  'context',
  'device_info',
  'device_memory',
  'driver',
  'kernel',
  'launch_config',
  'mapping',
  'module',
  'pinned_memory',
  'stream',
];
const headers = LAYER.map((name) => join(native, `${name}.h`));
const units = LAYER.map((name) => join(native, `${name}.cc`));

/** The files of this package that the layer includes, each once. */
export function includes(): string[] {
  const all = [...headers, ...units].flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(/^#include "(.+)"/gm), ([, name = '']) => name),
  );
  return [...new Set(all)].sort();
}

/** The headers of the layer. */
export const HEADERS = LAYER.map((name) => `${name}.h`);

export interface Options {
  /** Settings of the stub, without `VGPU_STUB_`. */
  readonly stub?: Readonly<Record<string, string>>;
  /** The directory with libcuda.so.1. Default: the stub. */
  readonly library?: string;
}

/** The lines that native/gpu_layer.cc prints. */
export function runGpuLayer(what: string, { stub = {}, library = compileStub() }: Options = {}) {
  const program = join(import.meta.dirname, '../native/gpu_layer.cc');
  const folder = compile('gpu_layer', [program, ...units], headers, []);
  const image = join(packageRoot, 'kernels/vector_add.fatbin');
  const settings = Object.fromEntries(
    Object.entries(stub).map(([key, value]) => [`VGPU_STUB_${key}`, value]),
  );
  const { status, signal, stdout, stderr } = spawnSync(join(folder, 'gpu_layer'), [image, what], {
    env: { ...environment, LD_LIBRARY_PATH: library, ...settings },
    encoding: 'utf8',
  });
  if (status !== 0 || stderr !== '') throw new Error(`gpu_layer: ${status ?? signal}: ${stderr}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
