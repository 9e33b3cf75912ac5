// Runs the tests of this folder, and says what was skipped. They use Node's own test runner, because
// they have to run where nothing is installed but Node and the packages.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { listDevices } from '@vgpu/cuda-binding';

const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.mjs'))
  .map((name) => join(import.meta.dirname, name));
const counts = { passed: 0, failed: 0, skipped: 0 };

const stream = run({ files, concurrency: 1 });
stream.on('test:fail', () => (counts.failed += 1));
stream.on('test:pass', ({ skip, details: { type } }) => {
  if (skip !== undefined) counts.skipped += 1;
  else if (type !== 'suite') counts.passed += 1;
});
const report = /** @type {AsyncIterable<string>} */ (stream.compose(new spec()));
for await (const text of report) process.stdout.write(text);
if (counts.skipped > 0) {
  console.log(`no GPU: ${counts.skipped} tests skipped, run on a machine with an NVIDIA driver`);
}
/** @type {string[]} */
const names = await listDevices().then(
  (devices) => devices.map(({ name }) => name),
  () => [],
);
const { passed, failed, skipped } = counts;
const gpus = names.length > 0 ? `${names.length} x ${[...new Set(names)].join(', ')}` : 'no GPU';
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped, on ${gpus}`);
process.exitCode = counts.failed > 0 || counts.passed + counts.skipped === 0 ? 1 : 0;
