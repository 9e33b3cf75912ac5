/**
 * HeldDevice: the CPU device finishes no scalar operation before a file is there. Loaded before the
 * program (`node --import`).
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CpuVectorAdder } from '@vgpu/cuda-binding';

const file = process.env['HELD_DEVICE'] ?? '';
const add = Reflect.get(CpuVectorAdder.prototype, 'addScalar');

/** @type {CpuVectorAdder['addScalar']} */
CpuVectorAdder.prototype.addScalar = async function (a, b) {
  while (!existsSync(file)) await sleep(5);
  return add.call(this, a, b);
};
