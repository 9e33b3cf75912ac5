// `pnpm soak [--minutes 30] [--kill-every 60] [--write]`: plays 30 VMs beside a hostile one, kills
// the mediator at that interval in seconds, and reports whether anything was lost or wrong (exit status 1).
// `--write` puts the figures into `docs/explanation/benchmarks`.
import { parseArgs } from 'node:util';
import { print, write } from '../lib/report.mjs';
import { faults, measured } from './report.mjs';
import { soak } from './soak.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'kill-every': { type: 'string', default: '60' },
    write: { type: 'boolean' },
  },
});
const [durationMs, killEveryMs] = [
  60_000 * Number(values.minutes),
  1000 * Number(values['kill-every']),
];
if (!(durationMs > 0 && killEveryMs > 0)) {
  console.error('usage: pnpm soak [--minutes <n>] [--kill-every <seconds>] [--write]');
  process.exit(64);
}
const findings = await soak({ durationMs, killEveryMs });
const figures = measured(findings);
print('soak', figures);
if (values.write) write('soak', figures);
for (const sentence of faults(findings)) {
  console.error(sentence);
  process.exitCode = 1;
}
