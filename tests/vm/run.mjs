// `pnpm test:vm`: real virtual machines, with a real PCI device each, send requests over real NFS.
// Needs root, Debian, and what `prepare.sh` provides; no KVM. Everything stays on the loopback.
//
// `--console <file>` keeps what VM-1 wrote to its console; names of scenarios run only those; `--check`
// only says whether everything is there.
import { writeFileSync } from 'node:fs';
import { Report } from './report.mjs';
import { inspectMachine } from './requirements.mjs';
import { caching } from './scenarios/caching.mjs';
import { devices } from './scenarios/devices.mjs';
import { hostile } from './scenarios/hostile.mjs';
import { order } from './scenarios/order.mjs';
import { requests } from './scenarios/requests.mjs';
import { restarts } from './scenarios/restarts.mjs';
import { withWorld } from './world.mjs';

const scenarios = { devices, requests, order, caching, hostile, restarts };

const args = process.argv.slice(2);
const isCheck = args[0] === '--check';
if (isCheck) args.shift();
const consoleFile = args[0] === '--console' ? args.splice(0, 2)[1] : undefined;
const chosen = Object.entries(scenarios).filter(
  ([name]) => args.length === 0 || args.includes(name),
);
if (args.some((name) => !(name in scenarios))) {
  console.error(
    `usage: test:vm [--check] [--console <file>] [${Object.keys(scenarios).join('|')}] ...`,
  );
  process.exit(64);
}
const { kernel, missing } = inspectMachine();
if (kernel === undefined || missing.length > 0) {
  console.error(`test:vm needs packages of Debian that are not here: ${missing.join(' ')}`);
  console.error('As root, tests/vm/prepare.sh installs them, and unpacks a kernel into .cache.');
  process.exit(69);
}
if (process.getuid?.() !== 0) {
  console.error('test:vm has to run as root: the NFS server serves files of several users.');
  process.exit(77);
}

if (isCheck) process.exit(0);

const start = performance.now();
const report = new Report();
await withWorld(kernel, report, async (world) => {
  for (const [name, scenario] of chosen) await report.scenario(name, () => scenario(world));
  if (consoleFile !== undefined) writeFileSync(consoleFile, world.guests[0]?.console() ?? '');
});
console.log(`\n${((performance.now() - start) / 1000).toFixed(0)} s`);
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 && report.passed > 0 ? 0 : 1;
