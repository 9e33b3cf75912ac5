// Compiles the kernels to vector_add.fatbin and puts beside it what sha256sum says of the sources and
// of the fat binary: `node scripts/build-kernels.mjs [folder]`, by default kernels. Needs nvcc 13.0.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Machine code for each, and the intermediate code of the oldest for all that come after them. */
const ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120];

const sources = fileURLToPath(new URL('../kernels', import.meta.url));
const folder = resolve(process.argv[2] ?? sources);
mkdirSync(folder, { recursive: true });

const targets = ARCHITECTURES.map((sm) => `-gencode=arch=compute_${sm},code=sm_${sm}`);
targets.push('-gencode=arch=compute_75,code=compute_75');
const output = join(folder, 'vector_add.fatbin');
const { status, error } = spawnSync(
  process.env['NVCC'] ?? 'nvcc',
  ['-O3', '--std=c++17', ...targets, '-fatbin', '-o', output, 'vector_add.cu'],
  { cwd: sources, stdio: 'inherit' },
);
if (error) console.error(`cannot run nvcc: ${error.message}; install the CUDA toolkit or set NVCC`);
if (status !== 0) process.exit(status ?? 69);

const lines = [
  ['kernel_interface.h', sources],
  ['vector_add.cu', sources],
  ['vector_add.fatbin', folder],
].map(([name = '', where = '']) => {
  const hash = createHash('sha256').update(readFileSync(join(where, name)));
  return `${hash.digest('hex')}  ${name}\n`;
});
writeFileSync(join(folder, 'vector_add.sha256'), lines.join(''));
