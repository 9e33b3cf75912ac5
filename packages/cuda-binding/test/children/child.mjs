// Shared by the children of the tests, which support/stub.ts starts.
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { openDevice } from '@vgpu/cuda-binding';

const CONTROL_BYTES = 256;
const control = process.env['VGPU_STUB_CONTROL'];
let generation = 0;
const file = control === undefined ? -1 : openSync(control, 'a+');
if (file >= 0) closeSync(file);
const writable = control === undefined ? -1 : openSync(control, 'r+');
if (writable >= 0) writeSync(writable, Buffer.alloc(CONTROL_BYTES), 0, CONTROL_BYTES, 0);

/**
 * Sets the faults from now on, and restarts the counts; kernels that are held go on.
 *
 * @param {string} faults see VGPU_STUB_FAULTS in stub/stub_cuda.cc
 */
export function arm(faults) {
  const text = Buffer.alloc(CONTROL_BYTES - 1);
  text.write(faults);
  writeSync(writable, text, 0, text.length, 0);
  generation = (generation + 1) % 256;
  writeSync(writable, Buffer.of(generation), 0, 1, CONTROL_BYTES - 1);
}

/**
 * Prints a line for the test, also if the process ends right after.
 *
 * @param {unknown} line
 */
export function print(line) {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/**
 * The properties of an error that the tests check.
 *
 * @param {unknown} error
 */
export function describeError(error) {
  const { name, code, message, operation, status, isDeviceLost } =
    /** @type {import('@vgpu/cuda-binding').CudaError} */ (error);
  return { name, code, message, operation, status, isDeviceLost };
}

/**
 * The sum or the error of a call.
 *
 * @param {Promise<unknown>} promise
 */
export async function outcomeOf(promise) {
  try {
    const value = await promise;
    return { value: value instanceof Int32Array ? Array.from(value.subarray(0, 4)) : value };
  } catch (error) {
    return { error: describeError(error) };
  }
}

/**
 * The sum of a device that is opened again in this process, and after a fault in a kernel also in a
 * process of its own.
 *
 * @param {number} index
 * @param {string} fault
 */
export async function reopened(index, fault) {
  const sumOf = async (/** @type {boolean} */ isolated) => {
    const device = await openDevice({ backend: 'cuda', index, isolated });
    const sum = await device.addScalar(3, 4);
    await device.close();
    return sum;
  };
  const sumAfterwards = await outcomeOf(sumOf(false));
  if (!fault.includes('=fault:')) return { sumAfterwards };
  return { sumAfterwards, isolatedSum: await outcomeOf(sumOf(true)) };
}

/** The process of an isolated device: the only one that this one has started. */
export function deviceProcess() {
  const [first] = readdirSync('/proc/self/task')
    .map((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8').trim())
    .filter((children) => children !== '');
  return Number(first);
}

/**
 * A letter, see proc(5).
 *
 * @param {number} pid
 */
export function stateOf(pid) {
  try {
    return / ([A-Z]) \d+ /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return 'gone';
  }
}

/**
 * Numbers from the whole range of int32, the same ones for the same seed.
 *
 * @param {number} length
 * @param {number} seed
 */
export function someInts(length, seed) {
  const ints = new Int32Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) ints[i] = state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return ints;
}

/**
 * @param {Int32Array} sum
 * @param {Int32Array} a
 * @param {Int32Array} b
 */
export function isSumOf(sum, a, b) {
  if (sum.length !== a.length) return false;
  return sum.every((value, i) => value === (((a[i] ?? 0) + (b[i] ?? 0)) | 0));
}

/**
 * A call for each path of an addition, by its name.
 *
 * @param {import('@vgpu/cuda-binding').VectorAdder} device
 * @param {Int32Array} pinned
 * @returns {Record<string, () => Promise<unknown>>}
 */
export function callsOn(device, pinned) {
  return {
    scalar: () => device.addScalar(1, 2),
    pinned: () => device.add(pinned, pinned, { out: pinned }),
    short: () => device.add(new Int32Array(100), new Int32Array(100)),
    long: () => device.add(new Int32Array(20_000), new Int32Array(20_000)),
  };
}
