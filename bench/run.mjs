// `pnpm bench [name ...]`: prints what each benchmark measured. Absolute times say little on a
// shared machine; compare figures of one run.
import { measureFlood } from './flood.mjs';
import { measureQueue } from './queue.mjs';
import { measureRoundTrip } from './round-trip.mjs';
import { measureThroughput } from './throughput.mjs';

/** @type {Record<string, () => Promise<object[]>>} */
const benchmarks = {
  flood: measureFlood,
  queue: measureQueue,
  'round-trip': measureRoundTrip,
  throughput: measureThroughput,
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(benchmarks);
for (const name of names) {
  const measure = benchmarks[name];
  if (!measure) {
    console.error(`no benchmark ${name}; there are ${Object.keys(benchmarks).join(', ')}`);
    process.exitCode = 64;
    break;
  }
  console.log(`\n${name}`);
  console.table(await measure());
}
