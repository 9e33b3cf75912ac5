// Compiles the kernels to kernels/vector_add.fatbin: `node scripts/build-kernels.mjs`. Needs nvcc 13.0.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Machine code for each, and the intermediate code of the oldest for all that come after them. */
const ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120];

const targets = ARCHITECTURES.map((sm) => `-gencode=arch=compute_${sm},code=sm_${sm}`);
targets.push('-gencode=arch=compute_75,code=compute_75');
const { status, error } = spawnSync(
  process.env['NVCC'] ?? 'nvcc',
  ['-O3', '--std=c++17', ...targets, '-fatbin', '-o', 'vector_add.fatbin', 'vector_add.cu'],
  { cwd: fileURLToPath(new URL('../kernels', import.meta.url)), stdio: 'inherit' },
);
if (error) console.error(`cannot run nvcc: ${error.message}; install the CUDA toolkit or set NVCC`);
process.exit(status ?? 69);
