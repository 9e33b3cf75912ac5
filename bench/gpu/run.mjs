// `pnpm bench:gpu [--quick] [--json <file>] [--svg <file>] [--markdown <file>]`: the library on a
// GPU against C on the bare driver, in one run and by turns. See docs/explanation/benchmarks.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { DeviceError, listDevices, openDevice } from '@vgpu/cuda-binding';
import { measureTwoDevices } from './devices.mjs';
import { Floor } from './floor.mjs';
import { plotVectors } from './plot.mjs';
import { markdown, replaceInMarkdown, verdicts } from './report.mjs';
import { measureLatency, measureRate } from './scalars.mjs';
import { measureVectors } from './vectors.mjs';

const FULL = {
  latency: { rounds: 40, sums: 500 },
  rates: [
    { inFlight: 1, sums: 100_000, repetitions: 3 },
    { inFlight: 8, sums: 300_000, repetitions: 3 },
    { inFlight: 64, sums: 1_000_000, repetitions: 5 },
    { inFlight: 256, sums: 500_000, repetitions: 3 },
  ],
  vectors: { totalBytes: 1024 ** 3 },
  twoDevices: { items: 10_000, rounds: 7 },
};
const QUICK = {
  latency: { rounds: 10, sums: 200 },
  rates: FULL.rates.map(({ inFlight, sums }) => ({ inFlight, sums: sums / 10, repetitions: 3 })),
  vectors: { totalBytes: 1024 ** 2 },
  twoDevices: { items: 2000, rounds: 3 },
};

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    svg: { type: 'string' },
    markdown: { type: 'string' },
  },
});

const device = await openDevice({ backend: 'cuda' }).catch((/** @type {unknown} */ error) => {
  if (!(error instanceof DeviceError)) throw error;
  console.error('no GPU: nothing measured; run this on a machine with an NVIDIA driver');
  console.error(error.message);
  process.exit(69);
});
const results = await measure(options.quick ? QUICK : FULL);
await device.close();

const text = markdown(results);
console.log(text);
if (options.json) {
  const json = JSON.stringify({ ...results, targets: verdicts(results) }, undefined, 2);
  writeFileSync(options.json, `${json}\n`);
}
if (options.svg) {
  writeFileSync(options.svg, plotVectors(results.vectors, results.copies.duplexIn, results.device));
}
if (options.markdown) replaceInMarkdown(options.markdown, text);

/** @param {typeof FULL} counts @returns {Promise<import('./report.mjs').Results>} */
async function measure(counts) {
  const started = performance.now();
  const floor = await Floor.start(device.device.index);
  try {
    progress('one sum at a time');
    const latency = await measureLatency(device, floor, counts.latency);
    const rates = [];
    for (const rate of counts.rates) {
      progress(`sums, ${rate.inFlight} in flight`);
      rates.push(await measureRate(device, floor, rate));
    }
    progress('vectors');
    const { copies, sizes } = await measureVectors(device, floor, counts.vectors);
    let twoDevices = null;
    if ((await listDevices()).length > 1) {
      progress('two devices');
      twoDevices = await measureTwoDevices(counts.twoDevices);
    }
    return {
      date: new Date().toISOString(),
      quick: options.quick,
      device: device.device.name,
      driver: driverVersion(),
      cuda: floor.cudaVersion,
      node: process.version,
      cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
      seconds: Math.round((performance.now() - started) / 1000),
      latency,
      rates,
      copies,
      vectors: sizes,
      twoDevices,
    };
  } finally {
    await floor.quit();
  }
}

/** As the kernel module reports it. */
function driverVersion() {
  try {
    return readFileSync('/sys/module/nvidia/version', 'utf8').trim();
  } catch {
    return 'of unknown version';
  }
}

function progress(/** @type {string} */ what) {
  console.error(`measuring ${what} ...`);
}
