// `pnpm bench [--write | --check] [name ...]`: measures and prints. `--write` puts the figures into
// `docs/explanation/benchmarks`; `--check` names every ratio that is worse than there by more than a quarter,
// and exits with 1 if there is one. Absolute times say little on a shared machine; compare figures of one
// run.
import { parseArgs } from 'node:util';
import { measureBacklog } from './backlog.mjs';
import { ATTACKS } from './flood/attacks.mjs';
import { measureFlood } from './flood.mjs';
import { measureIdle } from './idle.mjs';
import { print, regressions, write } from './lib/report.mjs';
import { measureQueue } from './queue.mjs';
import { measureRoundTrip } from './round-trip.mjs';
import { measureStartUp } from './start-up.mjs';
import { measureThroughput } from './throughput.mjs';

const { values: options, positionals } = parseArgs({
  options: { write: { type: 'boolean' }, check: { type: 'boolean' } },
  allowPositionals: true,
});
/** After `flood`: `pnpm bench flood colons`. */
const attacks = positionals
  .slice(1)
  .filter((name) => positionals[0] === 'flood' && Object.hasOwn(ATTACKS, name));

/** @type {Record<string, import('./lib/measured.mjs').Benchmark>} */
const benchmarks = {
  queue: measureQueue,
  'round-trip': measureRoundTrip,
  throughput: measureThroughput,
  backlog: measureBacklog,
  idle: measureIdle,
  'start-up': measureStartUp,
  flood: () => measureFlood(attacks),
};

const chosen = positionals.filter((name) => !attacks.includes(name));
const unknown = chosen.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) {
  const known = Object.keys(benchmarks).join(', ');
  console.error(`no benchmark ${unknown.join(', ')}; the benchmarks are ${known}`);
  process.exit(64);
}
if (options.write && attacks.length > 0) {
  console.error('--write needs all attacks: figures that are not measured would be lost');
  process.exit(64);
}
const names = chosen.length > 0 ? chosen : Object.keys(benchmarks);
for (const [name, measure] of Object.entries(benchmarks)) {
  if (!names.includes(name)) continue;
  const measured = await measure();
  print(name, measured);
  if (options.write) write(name, measured);
  if (options.check) {
    const worse = regressions(name, measured);
    for (const sentence of worse) console.error(sentence);
    if (worse.length > 0) process.exitCode = 1;
  }
}
