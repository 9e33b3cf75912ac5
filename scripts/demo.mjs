// Four scenarios about order and one about several devices, with real mediator and client processes and real
// files. The files on disk at the start of the mediator decide the order, not the speed of processes, so the
// demo shows the same on every machine. Scenarios about order use one device; the last one uses all.
//
// `--backend cuda` plays them on GPUs; the default is a slowed-down CPU. `--devices` are the mediator's
// devices: `all` GPUs, or some by their numbers; by default two on the CPU.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parsePriority } from '@vgpu/protocol';
import { VgpuClient } from '@vgpu/vm-client';
import { Host, PATIENCE_MS, until, vm1, vm2, vm4 } from './demo/host.mjs';

/**
 * @typedef {import('./demo/host.mjs').Call} Call
 * @typedef {{ scenario: string, call: Call, served: number, printed: string, waitMs: number, ok: boolean }} Row
 */

const { backend, devices } = readArguments();
/** The device of the scenarios about order. */
const ONE_DEVICE = devices === 'all' ? '0' : String(devices.split(',')[0]);
const isSlow = backend === 'cpu';

function readArguments() {
  const USAGE = 'usage: npm run demo [-- [--backend cpu|cuda] [--devices all|<n>[,<n>...]]]';
  try {
    const options = /** @type {const} */ ({
      backend: { type: 'string', default: 'cpu' },
      devices: { type: 'string' },
    });
    const { backend, devices = backend === 'cpu' ? '0,1' : 'all' } = parseArgs({ options }).values;
    const isPossible =
      backend === 'cpu' ? /^\d+(,\d+)*$/.test(devices) : /^(all|\d+(,\d+)*)$/.test(devices);
    if (['cpu', 'cuda'].includes(backend) && isPossible) return { backend, devices };
    console.error(USAGE);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
  process.exit(64);
}

/**
 * Waits for clients to end, and records the outcome of each.
 *
 * @param {Host} host
 * @param {string} scenario
 * @param {{ call: Call, outcome: Promise<{ printed: string, status: number | null }> }[]} clients
 * @param {Call[]} expected the order in which they should have been served
 */
async function collect(host, scenario, clients, expected) {
  /** @type {Row[]} */
  const rows = [];
  for (const { call, outcome } of clients) {
    const { printed, status } = await outcome;
    const isLogged = () => host.logged('request finished', call.vm);
    await until(isLogged, `the log line of VM-${call.vm}`);
    const finished = host.log.filter(({ message }) => message === 'request finished');
    const served = finished.findIndex(({ vm }) => vm === call.vm) + 1;
    const waitMs = isLogged()?.waitMs ?? NaN;
    const isRight = printed === String(call.a + call.b) && status === 0;
    rows.push({
      scenario,
      call,
      served,
      printed,
      waitMs,
      ok: isRight && expected[served - 1] === call,
    });
  }
  return rows;
}

/**
 * Sends calls one after the other, then starts the mediator.
 *
 * @param {string} scenario
 * @param {Call[]} sent
 * @param {Call[]} expected the order in which they should be served
 */
async function playFromDisk(scenario, sent, expected) {
  process.stderr.write(`  ${scenario} ...\n`);
  const host = new Host(backend);
  try {
    const clients = [];
    for (const call of sent) {
      clients.push({ call, ...(await host.send(call)) });
      // Further apart than the tick of older kernels' file timestamps.
      await sleep(20);
    }
    host.start(ONE_DEVICE, 50);
    return await collect(host, scenario, clients, expected);
  } finally {
    await host.stop();
  }
}

/**
 * Has a VM send its call many times: a single request would not keep a fast device busy. All requests are on
 * disk once `sent` is fulfilled.
 *
 * @param {Host} host
 * @param {Call} call
 * @param {number} requests
 */
function flood(host, { vm, pool, priority, a, b }, requests) {
  const identity = { vmId: vm, pool, priority: parsePriority(priority) };
  const client = new VgpuClient({ root: host.root, timeoutMs: 10 * PATIENCE_MS, ...identity });
  const sums = Promise.all(Array.from({ length: requests }, () => client.add(a, b))).finally(() =>
    client.close(),
  );
  const count = () =>
    readdirSync(host.directory(vm)).filter((name) => name.startsWith('request')).length;
  return { sums, sent: until(() => count() >= requests, `${requests} requests of VM-${vm}`) };
}

/**
 * Sends the second call while a GPU is busy with the requests of the first one's VM. If the machine is so
 * slow that the GPU is done before the second client has sent anything, the scenario is played again with
 * more requests.
 *
 * @param {string} scenario
 * @param {Call} first
 * @param {Call} second
 * @returns {Promise<Row[]>}
 */
async function playWhileGpuIsBusy(scenario, first, second, requests = 4000) {
  process.stderr.write(`  ${scenario} ...\n`);
  const host = new Host(backend);
  try {
    const { sums, sent } = flood(host, first, requests);
    await sent;
    host.start(ONE_DEVICE, 0);
    await until(() => host.logged('request on the device', first.vm), 'a busy device');
    const { outcome } = await host.send(second);
    const [sum = NaN, ...others] = await sums;
    const rows = await collect(host, scenario, [{ call: second, outcome }], [first, second]);
    const finished = () => host.count('request finished', first.vm);
    await until(() => finished() === requests, 'the log lines of the first VM');
    const lastAnswer = host.lastPosition('request finished', first.vm);
    const isAcceptedWhileBusy = host.position('request queued', second.vm) < lastAnswer;
    if (!isAcceptedWhileBusy && requests < 100_000) {
      return await playWhileGpuIsBusy(scenario, first, second, 2 * requests);
    }
    // Lower priority: not before the device has had all requests of the first VM.
    const isServedAfterwards =
      host.lastPosition('request on the device', first.vm) <
      host.position('request on the device', second.vm);
    const isRight = sum === first.a + first.b && others.every((other) => other === sum);
    const { waitMs = NaN } = host.logged('request finished', first.vm) ?? {};
    return [
      { scenario, call: first, served: 1, printed: String(sum), waitMs, ok: isRight },
      ...rows.map((row) => ({
        ...row,
        ok:
          row.printed === String(second.a + second.b) && isAcceptedWhileBusy && isServedAfterwards,
      })),
    ];
  } finally {
    await host.stop();
  }
}

/**
 * Has all devices serve the requests that a VM has sent before: one at a time on each device.
 *
 * @param {string} scenario
 * @param {Call} call
 * @returns {Promise<Row[]>}
 */
async function playOnAllDevices(
  scenario,
  call,
  requests = isSlow ? 4 * devices.split(',').length : 4000,
) {
  process.stderr.write(`  ${scenario} ...\n`);
  const host = new Host(backend);
  try {
    const { sums, sent } = flood(host, call, requests);
    await sent;
    host.start(devices, 50);
    const [sum = NaN, ...others] = await sums;
    const finished = () => host.log.filter(({ message }) => message === 'request finished');
    await until(() => finished().length === requests, 'the log lines of all requests');
    const count = host.log.filter(({ message }) => message === 'device ready').length;
    let atOnce = 0;
    let most = 0;
    for (const { message } of host.log) {
      if (message === 'request on the device') atOnce += 1;
      if (message === 'request finished') atOnce -= 1;
      most = Math.max(most, atOnce);
    }
    /** @type {Map<number, number>} */
    const shares = new Map();
    for (const { message, device = NaN } of host.log) {
      if (message === 'request on the device') shares.set(device, (shares.get(device) ?? 0) + 1);
    }
    const parts = Array.from(shares).sort(([one], [other]) => one - other);
    const shown = parts.map(([device, share]) => `${share} by device ${device}`).join(', ');
    notes.push(`Scenario 5: ${requests} requests, up to ${most} at the same time: ${shown}.`);
    const { waitMs = NaN } = finished()[0] ?? {};
    const isRight = sum === call.a + call.b && others.every((other) => other === sum);
    const ok = isRight && most === count && shares.size === count;
    return [{ scenario, call, served: 1, printed: String(sum), waitMs, ok }];
  } finally {
    await host.stop();
  }
}

/**
 * Sends the second call while the first is on the device. If the machine is so slow that the device is done
 * before the second client has sent anything, the scenario is played again with a slower device.
 *
 * @param {string} scenario
 * @param {Call} first
 * @param {Call} second
 * @returns {Promise<Row[]>}
 */
async function playWhileBusy(scenario, first, second, delayMs = 500) {
  process.stderr.write(`  ${scenario} ...\n`);
  const host = new Host(backend);
  try {
    host.start(ONE_DEVICE, delayMs);
    const clients = [{ call: first, ...(await host.send(first)) }];
    await until(() => host.logged('request on the device', first.vm), 'a busy device');
    clients.push({ call: second, ...(await host.send(second)) });
    const rows = await collect(host, scenario, clients, [first, second]);
    const answered = host.position('request finished', first.vm);
    const isAcceptedWhileBusy = host.position('request queued', second.vm) < answered;
    if (!isAcceptedWhileBusy && delayMs < 10_000) {
      return await playWhileBusy(scenario, first, second, 2 * delayMs);
    }
    const isServedAfterwards = answered < host.position('request on the device', second.vm);
    return rows.map((row) => ({ ...row, ok: row.ok && isAcceptedWhileBusy && isServedAfterwards }));
  } finally {
    await host.stop();
  }
}

/** What the table has no column for. @type {string[]} */
const notes = [
  `Scenarios 1 to 4 are about order and use device ${ONE_DEVICE} alone; scenario 5 uses --devices ${devices}.`,
];
const rows = [
  ...(await playFromDisk('1 single VM', [vm1], [vm1])),
  ...(await playFromDisk('2 priority, low sent first', [vm2, vm1, vm4], [vm1, vm4, vm2])),
  ...(await (isSlow ? playWhileBusy : playWhileGpuIsBusy)('3 accepted while busy', vm1, vm2)),
  ...(await playFromDisk('4 pools equal, A sent first', [vm1, vm4], [vm1, vm4])),
  ...(await playFromDisk('4 pools equal, B sent first', [vm4, vm1], [vm4, vm1])),
  ...(await playOnAllDevices('5 all devices at once', vm1)),
];

const header = [
  'scenario',
  'sent',
  'VM',
  'pool',
  'priority',
  'request',
  'served',
  'printed',
  'waited',
  '',
];
const table = rows.map(({ scenario, call, served, printed, waitMs, ok }, index) => {
  const isFirst = rows[index - 1]?.scenario !== scenario;
  const sent = index - rows.findIndex((row) => row.scenario === scenario) + 1;
  const { vm, pool, priority, a, b } = call;
  const cells = [sent, `VM-${vm}`, pool, priority, `${a}+${b}`, served, printed];
  return [
    isFirst ? scenario : '',
    ...cells.map(String),
    `${waitMs.toFixed(1)} ms`,
    ok ? 'ok' : 'WRONG',
  ];
});
const widths = header.map((title, column) =>
  Math.max(title.length, ...table.map((cells) => cells[column]?.length ?? 0)),
);
const line = (/** @type {string[]} */ cells) =>
  cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();
console.log(
  [
    '',
    line(header),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...table.map(line),
    '',
    ...notes,
  ].join('\n'),
);

const wrong = rows.filter(({ ok }) => !ok).length;
console.log(wrong === 0 ? '\nAll as expected.' : `\n${wrong} of ${rows.length} not as expected.`);
process.exitCode = wrong === 0 ? 0 : 1;
