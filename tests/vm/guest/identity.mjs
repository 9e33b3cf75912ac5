// Runs in a guest: `identity.mjs <rounds>` prints what the library reads from the VM's device, and how
// long it takes, in milliseconds: the first time in a process, and the median of the times after that.
import { readIdentity } from '@vgpu/vm-client';

const [rounds = '1'] = process.argv.slice(2);

function timed() {
  const start = performance.now();
  const identity = readIdentity();
  return { identity, ms: performance.now() - start };
}

const { identity, ms: firstMs } = timed();
const times = Array.from({ length: Number(rounds) }, () => timed().ms).sort((a, b) => a - b);
const round = (/** @type {number | undefined} */ ms) => Math.round((ms ?? NaN) * 100) / 100;
const medianMs = round(times[Math.floor(times.length / 2)]);
console.log(JSON.stringify({ identity, firstMs: round(firstMs), medianMs }));
