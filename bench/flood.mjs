import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VgpuClient, VgpuError } from '@vgpu/vm-client';
import { ATTACKS } from './flood/attacks.mjs';
import { during } from './flood/during.mjs';
import { quantile } from './lib/measured.mjs';
import { withMediator } from './mediator.mjs';

/** Duration of each measurement: 23 attacks, from 1 VM and from 8, at 3 priorities, take ten minutes. */
const MS = 3000;
const WARM_UP = 100;
/** The pause of the neighbour between a response and its next request. */
const PAUSE_MS = 2;
/** A round trip that lasts longer counts as this long. */
const TIMEOUT_MS = 5000;
const COUNTS = [1, 8];
/** The attackers' well-formed requests are of medium priority. */
const PRIORITIES = /** @type {const} */ ({ high: 2, equal: 1, lower: 0 });
const REFERENCE = 'small-junk';
const MAX_TIMES_REFERENCE = 3;
const MAX_P99_MS = 15;

/** @typedef {keyof typeof PRIORITIES} Level */
/** @typedef {Record<Level, { p50: number, p99: number }>} Waits */

/**
 * Round trips of one VM while others attack. Each attack is compared with small junk at the same rate and on
 * the same file system.
 *
 * @param {readonly string[]} [attacks] names of `ATTACKS`; all if there are none
 */
export async function measureFlood(attacks = []) {
  const names = Object.keys(ATTACKS).filter(
    (name) => attacks.length === 0 || attacks.includes(name),
  );
  const rows = [];
  /** @type {Map<string, Waits>} */
  const references = new Map();
  for (const isOnDisk of [false, true]) {
    const here = names.filter((name) => (ATTACKS[name]?.isOnDisk ?? false) === isOnDisk);
    if (here.length === 0) continue;
    const where = isOnDisk ? 'disk' : 'tmpfs';
    const quiet = await waits(undefined, 0, isOnDisk);
    rows.push({ attack: 'nobody', from: 0, on: where, ...columns(quiet), verdict: '' });
    for (const name of new Set([REFERENCE, ...here])) {
      for (const count of COUNTS) {
        const found = await waits(name, count, isOnDisk);
        const key = `${where} ${count}`;
        if (name === REFERENCE) references.set(key, found);
        const reference = references.get(key) ?? found;
        const verdict = name === REFERENCE ? 'the reference' : verdictOf(found, reference);
        rows.push({ attack: name, from: count, on: where, ...columns(found), verdict });
      }
    }
  }
  return { tables: [{ title: 'Round trips beside attackers, milliseconds', rows }], ratios: [] };
}

/**
 * @param {string | undefined} attack none if it is undefined
 * @param {number} count how many VMs attack
 * @param {boolean} isOnDisk
 * @returns {Promise<Waits>}
 */
function waits(attack, count, isOnDisk) {
  const options = { isOnDisk, command: withoutOverride() };
  return withMediator(
    1 + count,
    async (root) => {
      const measure = async () => ({
        high: figures(await roundTrips(root, PRIORITIES.high)),
        equal: figures(await roundTrips(root, PRIORITIES.equal)),
        lower: figures(await roundTrips(root, PRIORITIES.lower)),
      });
      if (attack === undefined) return measure();
      const vms = Array.from({ length: count }, (_, index) => index + 2).map((vm) => ({
        vm,
        directory: join(root, `vm${vm}`),
      }));
      return during(attack, { vms }, measure);
    },
    options,
  );
}

/** A mediator that may not read all files, like the recommended one, even if the superuser runs this. */
function withoutOverride() {
  if (process.getuid?.() !== 0) return [];
  return ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
}

/** @param {string} root @param {0 | 1 | 2} priority @returns {Promise<number[]>} milliseconds each */
async function roundTrips(root, priority) {
  const client = new VgpuClient({ root, vmId: 1, priority, timeoutMs: TIMEOUT_MS });
  const times = [];
  const end = performance.now() + MS;
  for (let index = 0; performance.now() < end; index += 1) {
    const started = performance.now();
    const isLate = await client.add(index, 1).then(() => false, isTimeout);
    const tookMs = performance.now() - started;
    if (index >= WARM_UP || isLate || tookMs > MAX_P99_MS) times.push(tookMs);
    await sleep(PAUSE_MS);
  }
  await client.close();
  return times;
}

/** @param {unknown} error */
function isTimeout(error) {
  if (error instanceof VgpuError && error.code === 'TIMEOUT') return true;
  throw error;
}

/** @param {number[]} times */
const figures = (times) => ({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) });

/** @param {Waits} waits */
const columns = ({ high, equal, lower }) => ({
  'high p50': ms(high.p50),
  'high p99': ms(high.p99),
  'equal p50': ms(equal.p50),
  'equal p99': ms(equal.p99),
  'lower p50': ms(lower.p50),
  'lower p99': ms(lower.p99),
});

/** @param {Waits} found @param {Waits} reference */
function verdictOf(found, reference) {
  const missed = /** @type {Level[]} */ (Object.keys(PRIORITIES)).flatMap((level) => {
    const times = found[level].p50 / reference[level].p50;
    return [
      ...(times <= MAX_TIMES_REFERENCE ? [] : [`${level} p50 ${times.toFixed(1)} times`]),
      ...(found[level].p99 <= MAX_P99_MS ? [] : [`${level} p99`]),
    ];
  });
  return missed.length === 0 ? 'reached' : `MISSED: ${missed.join(', ')}`;
}

function ms(/** @type {number} */ value) {
  return Math.round(value * 100) / 100;
}
