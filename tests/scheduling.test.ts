/** What an operator decides about who is served when and where, with real processes on several devices. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MediatorProcess, runMediator, TestRoot, until } from './support/processes.js';

interface Status {
  readonly queue: { readonly queued: number };
  readonly devices: readonly { readonly device: number; readonly jobs: number }[];
  readonly pools: readonly unknown[];
  readonly vms: readonly { readonly vm: number; readonly queued: number }[];
}

/** More than the tick with which kernels before 6.13 stamp files. */
const APART_MS = 12;
/** Devices that finish nothing for as long as a test lasts. */
const STUCK = ['--cpu-delay', '600000', '--exec-limit', '1200000'];

let root: TestRoot;
let mediator: MediatorProcess;
beforeEach(() => {
  root = new TestRoot([1, 2]);
});
afterEach(() => {
  root.remove();
});

const command = (...args: string[]) => runMediator(...args, '--root', root.path);
const start = async (...flags: string[]) => {
  mediator = await MediatorProcess.serving(root, '--log-level=debug', ...flags);
};
const status = async () => JSON.parse((await command('status', '--json')).stdout) as Status;
/** Of requests that each device was given, by its number. */
const jobs = async () => (await status()).devices.map(({ jobs }) => jobs);

const finished = () => mediator.logged('request finished');
const allFinished = (count: number) =>
  until(() => finished().length === count, `${count} requests to be finished`);
const allQueued = (count: number) =>
  until(() => mediator.logged('request queued').length === count, `${count} to be queued`);

async function setPool(pool: string, devices: string): Promise<void> {
  expect((await command('pool', 'set', pool, '--devices', devices)).status).toBe(0);
}

const answer = (vm: number, id: string) => {
  const path = root.in(vm, `response-${id}.txt`);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

describe('pools on three devices', () => {
  const DEVICES = ['--devices', '0,1,2', '--cpu-delay', '50'];

  it('a pool with devices that do not exist: the log says that its requests wait', async () => {
    await start(...DEVICES);
    const { status, stdout, stderr } = await command('pool', 'set', 'A', '--devices', '7');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'pool A: devices 7\n' });
    expect(stderr).toContain('pool A waits: none of its devices 7 works');
  });

  it('are all served by every device unless something else is said', async () => {
    await start(...DEVICES);
    for (let n = 0; n < 12; n += 1) root.drop(1, `n${n}`, `${n % 2 ? 'A' : 'B'}:1:1:${n}:1\n`);
    await allFinished(12);
    const counts = await jobs();
    expect(counts).toHaveLength(3);
    for (const count of counts) expect(count).toBeGreaterThan(1);
    expect(await mediator.stop()).toBe(0);
  });

  it('are served by their devices only, each by priority', async () => {
    await setPool('A', '0,1');
    await setPool('B', '2');
    for (let n = 0; n < 6; n += 1) root.drop(1, `a${n}`, `A:1:1:${n}:1\n`);
    for (const [id, priority] of ['low', 'medium', 'high'].entries()) {
      root.drop(2, priority, `B:${id}:2:1:1\n`);
    }
    await start(...DEVICES);
    await allFinished(9);
    const [first = 0, second = 0, third] = await jobs();
    expect(first + second).toBe(6);
    expect(Math.min(first, second)).toBeGreaterThan(1);
    expect(third).toBe(3);
    const ofPoolB = finished().filter(({ pool }) => pool === 'B');
    expect(ofPoolB.map(({ slot }) => slot)).toEqual(['high', 'medium', 'low']);
    expect(await mediator.stop()).toBe(0);
  });

  it('have other devices at once, also for what is queued', async () => {
    await setPool('A', '0');
    await start('--devices', '0,1,2', ...STUCK);
    for (const id of ['x', 'y']) root.drop(1, id, 'A:1:1:100:200\n');
    await until(() => mediator.logged('request on the device').length === 1, 'a busy device');
    await allQueued(2);
    expect(await jobs()).toEqual([1, 0, 0]);
    await setPool('A', '2');
    await until(() => mediator.logged('request on the device').length === 2, 'another one');
    expect(finished()).toEqual([]);
    expect(await jobs()).toEqual([1, 0, 1]);
  });

  it('wait without a device that works, which log and status say, until they have one', async () => {
    await setPool('B', '7');
    await start(...DEVICES);
    root.drop(1, 'waits', 'B:2:1:1:2\n');
    root.drop(2, 'other', 'A:0:2:1:1\n');
    await until(() => answer(2, 'other') === '2\n', 'the other pool to be served');
    await allQueued(2);
    const warnings = () => mediator.logged('no device of a pool works; its requests wait');
    expect(warnings()).toMatchObject([{ level: 'warn', pool: 'B', devices: [7] }]);
    expect((await command('status')).stdout).toContain(
      '\npool B waits: none of its devices 7 works\n',
    );
    expect(await status()).toMatchObject({
      queue: { queued: 1 },
      pools: [
        { pool: 'A', devices: null, isServed: true },
        { pool: 'B', devices: [7], isServed: false },
      ],
    });
    expect(answer(1, 'waits')).toBe('');
    await setPool('B', 'all');
    await until(() => answer(1, 'waits') === '3\n', 'it to be served');
    expect(mediator.logged('a pool has a device again')).toMatchObject([{ pool: 'B' }]);
    expect(warnings()).toHaveLength(1);
    expect(await mediator.stop()).toBe(0);
  });
});

describe('aging', () => {
  /** Waits for a device that there is not, until all are queued: low ones first, high ones last. */
  async function queueAll(...flags: string[]): Promise<void> {
    await setPool('A', '7');
    await start('--devices', '0,1', '--cpu-delay', '20', ...flags);
    for (const [n, priority] of [0, 1, 2, 0, 1, 2].entries()) {
      root.drop(1, `n${n}`, `A:${priority}:1:${n}:1\n`);
      await sleep(APART_MS);
    }
    await allQueued(6);
  }
  const order = async () => {
    // One device, so that the order in which they are finished is that in which they were taken.
    await setPool('A', '1');
    await allFinished(6);
    return finished().map(({ slot }) => String(slot));
  };

  it('raises what has waited, up to the highest priority, where arrival decides', async () => {
    await queueAll('--aging', '0.001');
    expect(await order()).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5']);
    // A request keeps its own priority otherwise.
    expect(finished().map(({ priority }) => priority)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(await jobs()).toEqual([0, 6]);
    expect(await mediator.stop()).toBe(0);
  });

  it('does nothing within the time that it takes, nor unless it is asked for', async () => {
    for (const flags of [['--aging', '100000'], []]) {
      root.remove();
      root = new TestRoot([1]);
      await queueAll(...flags);
      expect(await order()).toEqual(['n2', 'n5', 'n1', 'n4', 'n0', 'n3']);
      expect(await mediator.stop()).toBe(0);
    }
  });

  it('counts at once for what is queued when the configuration is read again', async () => {
    const file = join(root.base, 'config.json');
    writeFileSync(file, '{}');
    await queueAll('--config', file);
    writeFileSync(file, '{ "aging": 0.001 }');
    mediator.signal('SIGHUP');
    await until(() => mediator.logged('configuration reloaded').length === 1, 'the reload');
    expect(mediator.logged('configuration reloaded')).toMatchObject([{ changed: ['aging'] }]);
    expect(await order()).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5']);
    expect(await mediator.stop()).toBe(0);
  });
});

describe('limits of single VMs', () => {
  const add = async (vm: number, ...limits: string[]) => {
    const added = await command('vm', 'add', `${vm}`, '--pool', 'A', '--priority', 'medium');
    expect(added.status).toBe(0);
    if (limits.length > 0) expect((await command('vm', 'set', `${vm}`, ...limits)).status).toBe(0);
  };

  it('are queue limits, which count from the moment at which they are changed', async () => {
    await add(1, '--max-queued', '2');
    await add(2);
    await start(
      ...['--devices', '0,1', ...STUCK],
      // No sweep is to do what the change has to.
      ...['--max-queued-per-vm', '5', '--poll-interval', '600000'],
    );
    for (let n = 0; n < 8; n += 1) {
      for (const vm of [1, 2]) root.drop(vm, `n${n}`, `A:1:${vm}:1:1\n`);
    }
    const queued = async () => (await status()).vms.map((vm) => vm.queued);
    await allQueued(7);
    expect(await queued()).toEqual([2, 5]);
    // An eighth of the limit is for what waited on disk.
    expect((await command('vm', 'set', '1', '--max-queued', '64')).status).toBe(0);
    await allQueued(13);
    expect(await queued()).toEqual([8, 5]);
  });

  it('are rates and bursts, in place of the general ones', async () => {
    await add(1, '--rate-limit', '0.001', '--rate-burst', '3');
    await add(2);
    await start('--devices', '0,1', '--rate-limit', '0.001', '--rate-burst', '1');
    const outcomes = async (vm: number) => {
      for (let n = 0; n < 5; n += 1) root.drop(vm, `n${n}`, `A:1:${vm}:1:1\n`);
      const answers = () => [0, 1, 2, 3, 4].map((n) => answer(vm, `n${n}`));
      await until(() => answers().every((text) => text !== ''), 'all to be answered');
      return answers().filter((text) => text === '2\n').length;
    };
    expect(await outcomes(1)).toBe(3);
    expect(await outcomes(2)).toBe(1);
    const rejected = () => mediator.logged('request rejected');
    await until(() => rejected().length === 6, 'the log to say so');
    expect(rejected().map(({ vm, outcome }) => `${String(vm)} ${String(outcome)}`)).toEqual([
      ...Array<string>(2).fill('1 RATE_LIMITED'),
      ...Array<string>(4).fill('2 RATE_LIMITED'),
    ]);
    expect((await command('vm', 'set', '2', '--rate-limit', '1000000')).status).toBe(0);
    root.drop(2, 'later', 'A:1:2:1:1\n');
    await until(() => answer(2, 'later') === '2\n', 'it to be served');
    expect(await mediator.stop()).toBe(0);
  });
});
