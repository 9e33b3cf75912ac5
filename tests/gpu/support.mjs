import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, describe, it } from 'node:test';
import { listDevices } from '@vgpu/cuda-binding';

/** The project that these files lie in, where the packages are installed. */
export const project = fileURLToPath(new URL('..', import.meta.url));

/** Why no GPU can be used, if so. */
const obstacle = await listDevices().then(
  ({ length }) => (length > 0 ? undefined : 'there is none'),
  (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error)),
);
export const isOnGpu = obstacle === undefined;
export const gpuCount = isOnGpu ? (await listDevices()).length : 0;

/** A test that needs a GPU: without one it is skipped, and says so. */
export function itOnGpu(/** @type {string} */ name, /** @type {import('node:test').TestFn} */ run) {
  void it(name, { skip: isOnGpu ? false : `no GPU: ${obstacle}` }, run);
}
export { describe };

const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('VGPU_')),
);

/** A directory that goes when the tests of the file are over. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-gpu-'));
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/**
 * A copy of the project with other kernels.
 *
 * @param {'faulty-kernels' | 'other-kernels'} name The file of this folder, which describes them.
 */
export function projectWith(name) {
  const copy = join(temporaryDirectory(), 'project');
  cpSync(project, copy, { recursive: true });
  cpSync(
    fileURLToPath(new URL(`${name}.fatbin`, import.meta.url)),
    join(copy, 'node_modules/@vgpu/cuda-binding/kernels/vector_add.fatbin'),
  );
  return copy;
}

/**
 * @typedef {{ status: number | null, signal: string | null, stdout: string, stderr: string }} Outcome
 */

/**
 * Runs a module's text, which can import the packages.
 *
 * @param {string} code
 * @param {{ cwd?: string, env?: Record<string, string>, flags?: string[] }} options
 * @returns {Promise<Outcome>}
 */
export function runModule(code, { cwd = project, env = {}, flags = [] } = {}) {
  return run([...flags, '--input-type=module', '-e', code], { cwd, env });
}

/**
 * Runs Node.
 *
 * @param {string[]} args @param {{ cwd?: string, env?: Record<string, string> }} options
 * @returns {Promise<Outcome>}
 */
export async function run(args, { cwd = project, env = {} } = {}) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...environment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (stderr += text));
  await once(child, 'close');
  return { status: child.exitCode, signal: child.signalCode, stdout, stderr };
}
