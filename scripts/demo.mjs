// The four integration scenarios of the original plan, with real mediator and client processes and
// real files. The order in which requests are served is decided by the files that are there when
// the mediator starts, not by who is fast, so that the demo shows the same on every machine.
//
// `--backend cuda` plays them on a GPU; the default is the CPU, made slow.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parsePriority } from '@vgpu/protocol';
import { VgpuClient } from '@vgpu/vm-client';

/** In the repository the program as it was built, in an installed package as it was packed. */
function program(/** @type {string} */ name) {
  const path = fileURLToPath(import.meta.resolve(`@vgpu/${name}/package.json`));
  const { bin } = /** @type {{ bin: Record<string, string> }} */ (
    JSON.parse(readFileSync(path, 'utf8'))
  );
  return join(dirname(path), bin[`vgpu-${name}`] ?? '');
}
const MEDIATOR = program('mediator');
const CLIENT = program('vm-client');
const PATIENCE_MS = 30_000;

const BACKENDS = ['cpu', 'cuda'];
const [, , flag = '--backend', backend = 'cpu', ...rest] = process.argv;
if (flag !== '--backend' || !BACKENDS.includes(backend) || rest.length > 0) {
  console.error(`usage: npm run demo [-- --backend ${BACKENDS.join('|')}]`);
  process.exit(64);
}

/**
 * @typedef {{ vm: number, pool: 'A' | 'B', priority: 'high' | 'medium' | 'low', a: number, b: number }} Call
 * @typedef {{ message: string, vm?: number, seq?: number, waitMs?: number }} LogLine
 * @typedef {{ scenario: string, call: Call, served: number, printed: string, waitMs: number, ok: boolean }} Row
 */

/** @type {Record<string, Call>} */
const calls = {
  vm1: { vm: 1, pool: 'A', priority: 'high', a: 100, b: 200 },
  vm2: { vm: 2, pool: 'A', priority: 'medium', a: 50, b: 75 },
  vm4: { vm: 4, pool: 'B', priority: 'high', a: 150, b: 250 },
};
const { vm1, vm2, vm4 } = /** @type {Record<'vm1' | 'vm2' | 'vm4', Call>} */ (calls);

/** A root directory with the VMs' directories, a mediator and clients. */
class Host {
  base = mkdtempSync(join(tmpdir(), 'vgpu-demo-'));
  root = join(this.base, 'vgpu');
  /** @type {LogLine[]} */
  log = [];
  /** @type {import('node:child_process').ChildProcess | undefined} */
  mediator;

  constructor() {
    for (const { vm } of Object.values(calls)) mkdirSync(this.directory(vm), { recursive: true });
  }

  directory(/** @type {number} */ vm) {
    return join(this.root, `vm${vm}`);
  }

  /** @param {number} delayMs how long a CPU takes for one addition */
  start(delayMs) {
    const flags = ['--backend', backend, '--devices', '0', '--cpu-delay', String(delayMs)];
    const logging = ['--log-level', 'debug', '--log-format', 'json'];
    const child = spawn(process.execPath, [MEDIATOR, '--root', this.root, ...flags, ...logging], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.log.push(parse(line));
      else process.stderr.write(`${line}\n`);
    });
    child.on('exit', (status) => {
      if (status === 0) return;
      // It has said why.
      rmSync(this.base, { recursive: true, force: true });
      process.exit(status ?? 70);
    });
    this.mediator = child;
  }

  /** Starts a client; gives its outcome once its request is on disk. */
  async send(/** @type {Call} */ { vm, pool, priority, a, b }) {
    const identity = ['--vm-id', String(vm), '--pool', pool, '--priority', priority];
    const args = [CLIENT, '--root', this.root, ...identity, String(a), String(b)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (printed += text));
    /** @type {Promise<{ printed: string, status: number | null }>} */
    const outcome = new Promise((resolve) => {
      child.on('close', (status) => {
        resolve({ printed: printed.trim(), status });
      });
    });
    const isSent = () =>
      child.exitCode !== null ||
      this.position('request queued', vm) >= 0 ||
      readdirSync(this.directory(vm)).some((name) => name.startsWith('request'));
    await until(isSent, `the request of VM-${vm}`);
    return { outcome };
  }

  logged(/** @type {string} */ message, /** @type {number} */ vm) {
    return this.log.find((line) => line.message === message && line.vm === vm);
  }

  /** Where a log line stands; -1 if it is missing. */
  position(/** @type {string} */ message, /** @type {number} */ vm) {
    return this.log.findIndex((line) => line.message === message && line.vm === vm);
  }

  async stop() {
    const { mediator } = this;
    if (mediator?.exitCode === null) {
      const exited = new Promise((resolve) => mediator.on('exit', resolve));
      mediator.kill('SIGTERM');
      await exited;
    }
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** @returns {LogLine} */
function parse(/** @type {string} */ line) {
  return JSON.parse(line);
}

/** Waits for a condition. */
async function until(/** @type {() => unknown} */ condition, /** @type {string} */ what) {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(5);
  }
}

/**
 * Waits for clients to end, and says how each fared.
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
  const host = new Host();
  try {
    const clients = [];
    for (const call of sent) {
      clients.push({ call, ...(await host.send(call)) });
      // Further apart than the tick with which older kernels stamp files.
      await sleep(20);
    }
    host.start(50);
    return await collect(host, scenario, clients, expected);
  } finally {
    await host.stop();
  }
}

/**
 * Has VM-1 keep a device busy that is too fast to be caught with a single request: sends so many
 * with its call that a client can start meanwhile.
 *
 * @param {Host} host
 * @param {Call} call
 * @param {number} requests
 */
async function flood(host, { vm, pool, priority, a, b }, requests) {
  const identity = { vmId: vm, pool, priority: parsePriority(priority) };
  const client = new VgpuClient({ root: host.root, ...identity });
  try {
    return await Promise.all(Array.from({ length: requests }, () => client.add(a, b)));
  } finally {
    await client.close();
  }
}

/**
 * Sends the second call while a GPU is busy with the first one's VM. On a machine so slow that it is
 * done before the second client has sent anything, it is played again with more to do.
 *
 * @param {string} scenario
 * @param {Call} first
 * @param {Call} second
 * @returns {Promise<Row[]>}
 */
async function playWhileGpuIsBusy(scenario, first, second, requests = 4000) {
  process.stderr.write(`  ${scenario} ...\n`);
  const host = new Host();
  try {
    host.start(0);
    const flooding = flood(host, first, requests);
    await until(() => host.logged('request on the device', first.vm), 'a busy device');
    const { outcome } = await host.send(second);
    const sums = await flooding;
    const rows = await collect(host, scenario, [{ call: second, outcome }], [first, second]);
    const answers = () =>
      host.log.filter(({ message, vm }) => message === 'request finished' && vm === first.vm);
    await until(() => answers().length === requests, 'the log lines of the first VM');
    const lastAnswer = host.log.findLastIndex(
      ({ message, vm }) => message === 'request finished' && vm === first.vm,
    );
    const isAcceptedWhileBusy = host.position('request queued', second.vm) < lastAnswer;
    if (!isAcceptedWhileBusy && requests < 100_000) {
      return await playWhileGpuIsBusy(scenario, first, second, 2 * requests);
    }
    // Lower priority: not before all that the first VM has sent.
    const isServedAfterwards = lastAnswer < host.position('request on the device', second.vm);
    const [sum = NaN] = sums;
    const isRight = sum === first.a + first.b && sums.every((other) => other === sum);
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
 * Sends the second call while the first is on the device. On a machine so slow that the device is
 * done before the second client has sent anything, it is played again with a slower device.
 *
 * @param {string} scenario
 * @param {Call} first
 * @param {Call} second
 * @returns {Promise<Row[]>}
 */
async function playWhileBusy(scenario, first, second, delayMs = 500) {
  process.stderr.write(`  ${scenario} ...\n`);
  const host = new Host();
  try {
    host.start(delayMs);
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

const rows = [
  ...(await playFromDisk('1 single VM', [vm1], [vm1])),
  ...(await playFromDisk('2 priority, low sent first', [vm2, vm1, vm4], [vm1, vm4, vm2])),
  ...(await (backend === 'cpu' ? playWhileBusy : playWhileGpuIsBusy)(
    '3 accepted while busy',
    vm1,
    vm2,
  )),
  ...(await playFromDisk('4 pools equal, A sent first', [vm1, vm4], [vm1, vm4])),
  ...(await playFromDisk('4 pools equal, B sent first', [vm4, vm1], [vm4, vm1])),
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
  ['', line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...table.map(line)].join(
    '\n',
  ),
);

const wrong = rows.filter(({ ok }) => !ok).length;
console.log(wrong === 0 ? '\nAll as expected.' : `\n${wrong} of ${rows.length} not as expected.`);
process.exitCode = wrong === 0 ? 0 : 1;
