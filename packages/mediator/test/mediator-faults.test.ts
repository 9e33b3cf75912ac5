/** A mediator whose inotify is silent or missing, and whose disk is full. */
import { renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { FakeFs, silentWatcher, systemError } from './support/fake-fs.js';
import { FakeManualAdder } from './support/fakes.js';
import { TestHost } from './support/test-host.js';
import { until } from './support/until.js';
import { named, PLAIN, type VmFiles } from './support/vm-files.js';

const fakeFs = new FakeFs();
const { Mediator } = await import('../src/mediator.js');

const LINE = 'A:1:7:100:200\n';
const X = named('x');

let host: TestHost;
let files: VmFiles;

beforeEach(() => {
  host = new TestHost(Mediator);
  files = host.vm(7);
});

afterEach(async () => {
  fakeFs.restore();
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

const expectResponse = (slot = X) =>
  until(
    'the request has its response',
    () => files.responseText(slot) === '300\n' && !files.hasRequest(slot),
  );

/** As on a network file system, where inotify reports no changes by other hosts. */
function silenceInotify(): void {
  fakeFs.intercept(({ name, proceed }) => (name === 'watch' ? silentWatcher() : proceed()));
}

/** Lets the host wait until the scan trusts the directory's mtime. */
async function letItRest(): Promise<void> {
  utimesSync(files.path, 1000, 1000);
  await sleep(100);
}

describe('without inotify', () => {
  test('requests, new VM directories and new requests are found by the scan', async () => {
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'watch') throw systemError('ENOSPC');
      return proceed();
    });
    files.write(X, LINE);
    await host.start([new CpuVectorAdder()]);
    await expectResponse();
    files.put(named('y'), LINE);
    await expectResponse(named('y'));
    files.write(PLAIN, LINE.trimEnd());
    await expectResponse(PLAIN);
    const other = host.vm(8);
    other.write(X, 'A:1:8:1:2\n');
    await until('a new VM is served', () => other.responseText(X) === '3\n');
  });

  test('that is logged once, with the remedy', async () => {
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'watch') throw systemError('EMFILE');
      return proceed();
    });
    for (let vm = 1; vm <= 5; vm += 1) host.vm(vm);
    await host.start([new CpuVectorAdder()]);
    await sleep(60);
    const warnings = host.logger.entries.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.fields['remedy']).toContain('max_user_watches');
  });
});

describe('with an inotify that reports no events', () => {
  beforeEach(async () => {
    silenceInotify();
    await host.start([new CpuVectorAdder()]);
    await letItRest();
  });

  test('a renamed request is found', async () => {
    files.put(X, LINE);
    await expectResponse();
  });

  test('a plain request is found that is written again in place', async () => {
    files.write(PLAIN, '');
    await sleep(60);
    // Filling it leaves the directory's mtime as it is.
    await letItRest();
    writeFileSync(files.request(PLAIN), LINE);
    await expectResponse(PLAIN);
  });

  test('a named request is found that was created empty and is filled later', async () => {
    files.write(X, '');
    await sleep(60);
    await letItRest();
    writeFileSync(files.request(X), LINE);
    await expectResponse();
  });

  test('a new VM directory is found although the mtime of the root is as it was', async () => {
    // Too new to be trusted, for as long as the test lasts.
    const soon = Date.now() / 1000 + 1000;
    utimesSync(host.root, soon, soon);
    await sleep(60);
    const other = host.vm(8);
    utimesSync(host.root, soon, soon);
    other.write(X, 'A:1:8:1:2\n');
    await until('it is served', () => !other.hasRequest(X));
    expect(other.responseText(X)).toBe('3\n');
  });

  test('a new VM directory is found', async () => {
    const other = host.vm(8);
    other.write(X, 'A:1:8:1:2\n');
    await until('it is served', () => !other.hasRequest(X));
    expect(other.responseText(X)).toBe('3\n');
  });
});

describe('a full disk', () => {
  /** Fails this many times to create a response in a VM directory. */
  function fillDisk(times: number): { failures: number } {
    const disk = { failures: 0 };
    fakeFs.intercept(({ name, args, proceed }) => {
      const isResponse = name === 'openSync' && String(args[0]).includes('.vgpu-answer-');
      if (isResponse && disk.failures < times) {
        disk.failures += 1;
        throw systemError('ENOSPC');
      }
      return proceed();
    });
    return disk;
  }

  test('delays the response until there is room, and computes once', async () => {
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    files.write(X, LINE);
    await until('it is on the device', () => adder.inFlight === 1);
    const disk = fillDisk(2);
    adder.finish();
    await until('there was no room', () => disk.failures > 0);
    // The device goes on meanwhile.
    host.vm(8).write(X, 'A:1:8:1:2\n');
    await until('the next is on the device', () => adder.inFlight === 1);
    adder.finish();
    await expectResponse();
    await until('both have their responses', () => mediator.statistics().requests === 2);
    expect(mediator.failures).toBe(0);
    expect(adder.started).toEqual([100, 1]);
    expect(disk.failures).toBe(2);
    expect(host.vm(8).responseText(X)).toBe('3\n');
    expect(mediator.statistics().outcome).toEqual({ OK: 2 });
    expect(files.names()).toEqual(['response-x.txt']);
  });

  test('delays a rejection, too', async () => {
    const disk = fillDisk(1);
    files.write(X, 'hello\n');
    await host.start([new CpuVectorAdder()]);
    await until('it has its response', () =>
      files.responseText(X).startsWith('ERROR:BAD_REQUEST:'),
    );
    expect(disk.failures).toBe(1);
    expect(files.names()).toEqual(['response-x.txt']);
  });

  test('leaves the request for the next mediator if this one is stopped', async () => {
    const mediator = await host.start([new CpuVectorAdder()]);
    const disk = fillDisk(Infinity);
    files.write(X, LINE);
    await until('there was no room', () => disk.failures > 0);
    await mediator.drain();
    expect([mediator.unfinished, mediator.undelivered]).toEqual([0, 1]);
    await mediator.stop();
    fakeFs.restore();
    await sleep(100);
    expect(files.names()).toEqual(['request-x.txt']);
    expect(host.logger.finished).toEqual([]);
    await host.start([new CpuVectorAdder()]);
    await expectResponse();
  });

  test('that is found while stopping leaves no timer behind', async () => {
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    files.write(X, LINE);
    await until('it is on the device', () => adder.inFlight === 1);
    const disk = fillDisk(Infinity);
    const stopping = mediator.stop();
    adder.finish();
    await stopping;
    expect(disk.failures).toBe(1);
    fakeFs.restore();
    await sleep(100);
    // The statistics must not count a request as withdrawn that waits on disk.
    expect(mediator.statistics().requests).toBe(0);
    expect(files.names()).toEqual(['request-x.txt']);
  });
});

test('a VM directory that cannot be read delays no other VM, and is retried', async () => {
  await host.start([new CpuVectorAdder()]);
  fakeFs.intercept(({ name, args, proceed }) => {
    if (name === 'lstatSync' && String(args[0]).endsWith('/request-x.txt'))
      throw systemError('EIO');
    return proceed();
  });
  files.write(X, LINE);
  host.vm(8).write(named('y'), 'A:1:8:1:2\n');
  await until('the other is served', () => host.vm(8).responseText(named('y')) === '3\n');
  await until('it is logged', () => host.logger.of('cannot admit a request').length > 0);
  fakeFs.restore();
  await expectResponse();
});

test('a drain() ends when a scan finds the last VM directory gone', async () => {
  silenceInotify();
  files.write(X, LINE.trimEnd());
  const mediator = await host.start([new CpuVectorAdder()], { settleMs: 1e6, pollIntervalMs: 50 });
  let isDrained = false;
  void mediator.whenIdle().then(() => (isDrained = true));
  await sleep(20);
  expect(isDrained).toBe(false);
  renameSync(files.path, `${files.path}-old`);
  await until('it is drained', () => isDrained);
  expect(host.logger.of('a VM directory is gone')).toHaveLength(1);
});

// A request read a moment ago is computed without another check, and checked before its response.
test.each([
  { waitMs: 0, started: [1, 2, 3] },
  { waitMs: 150, started: [1, 3] },
])('a request that was withdrawn unnoticed $waitMs ms ago', async ({ waitMs, started }) => {
  silenceInotify();
  const adder = new FakeManualAdder();
  for (const [i, id] of ['1', '2', '3'].entries()) {
    files.write(named(id), `A:${2 - i}:7:${id}:0\n`);
  }
  const mediator = await host.start([adder], { pollIntervalMs: 1e6 });
  await until('it is on the device', () => adder.inFlight === 1 && mediator.queued === 2);
  unlinkSync(files.request(named('2')));
  await sleep(waitMs);
  for (let finished = 1; finished <= started.length; finished += 1) {
    await until('the next is on the device', () => adder.started.length === finished);
    adder.finish();
  }
  await until('all have left', () => mediator.statistics().requests === 3);
  expect(adder.started).toEqual(started);
  expect(mediator.statistics().outcome).toEqual({ OK: 2, WITHDRAWN: 1 });
  expect(files.names()).toEqual(['response-1.txt', 'response-3.txt']);
});

test('a VM directory whose server has gone delays no other VM, and is retried', async () => {
  await host.start([new CpuVectorAdder()]);
  let failures = 0;
  fakeFs.intercept(({ name, args, proceed }) => {
    if (name !== 'lstatSync' || args[0] !== files.path) return proceed();
    failures += 1;
    throw systemError('ESTALE');
  });
  await until('it has failed', () => failures > 2);
  const message = 'cannot read a VM directory; trying again at each scan';
  expect(host.logger.of(message)).toHaveLength(1);
  const other = host.vm(8);
  other.write(X, 'A:1:8:1:2\n');
  await until('the other is served', () => !other.hasRequest(X));
  expect(other.responseText(X)).toBe('3\n');
  fakeFs.restore();
  files.write(X, LINE);
  await expectResponse();
  await until('it is logged', () => host.logger.of('a VM directory can be used again').length > 0);
});

test('a VM directory that cannot be opened is retried', async () => {
  await host.start([new CpuVectorAdder()]);
  let attempts = 0;
  fakeFs.intercept(({ name, args, proceed }) => {
    if (name !== 'openSync' || !String(args[0]).endsWith('/vm9')) return proceed();
    attempts += 1;
    throw systemError('EMFILE');
  });
  const other = host.vm(9);
  other.write(X, 'A:1:9:1:2\n');
  // Only the failure itself is then a reason to scan again.
  utimesSync(host.root, 1000, 1000);
  const message = 'cannot open a VM directory; trying again at each scan';
  await until('it was tried again and again', () => attempts > 3);
  expect(host.logger.of(message)).toHaveLength(1);
  fakeFs.restore();
  await until('it is served', () => !other.hasRequest(X));
  expect(other.responseText(X)).toBe('3\n');
});
