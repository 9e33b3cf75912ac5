/** A single failed system call must neither lose a request nor give its response to another one. */
import { statSync, truncateSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CpuVectorAdder } from '@vgpu/cuda-binding';
import { callOf, FakeFs, silentWatcher, systemError, type FsCall } from '../support/fake-fs.js';
import { FakeManualAdder } from '../support/fakes.js';
import { TestHost } from '../support/test-host.js';
import { until } from '../support/until.js';
import { PLAIN, type VmFiles } from '../support/vm-files.js';

const fakeFs = new FakeFs();
const { Mediator } = await import('../../src/mediator.js');

const FIRST = 'A:1:7:1:2\n';
const NEXT = 'A:1:7:3:4\n';

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

/** Fails the first call that fits, after doing something at that moment. */
function failOnce(fits: (call: FsCall) => boolean, action: () => void = () => undefined) {
  const state = { hasFailed: false };
  fakeFs.intercept((call) => {
    if (state.hasFailed || !fits(call)) return call.proceed();
    state.hasFailed = true;
    action();
    throw systemError('EIO');
  });
  return state;
}

const isAside =
  (name: FsCall['name']) =>
  (call: FsCall): boolean =>
    call.name === name && String(call.args[0]).includes('/.vgpu-taken-');

test('a listing that fails loses no request that was found before it', async () => {
  let isListed = false;
  let isTaken = false;
  const error = { hasFailed: false };
  fakeFs.intercept((call) => {
    if (callOf('openSync', '/request.txt')(call)) isTaken = true;
    // inotify is silent: the request and the listing are due in one turn, after the scan.
    if (call.name === 'watch') return silentWatcher();
    isListed ||= call.name === 'opendirSync';
    if (error.hasFailed || !isTaken || call.name !== 'opendirSync') return call.proceed();
    error.hasFailed = true;
    throw systemError('EIO');
  });
  const mediator = await host.start([new CpuVectorAdder()]);
  await until('the directory is listed', () => isListed);
  files.put(PLAIN, FIRST);
  await until('it has failed', () => error.hasFailed);
  await until('it has its response', () => files.responseText(PLAIN) === '3\n');
  expect(mediator.statistics().outcome).toEqual({ OK: 1 });
});

test('a plain request is not computed without its mark', async () => {
  const adder = new FakeManualAdder();
  await host.start([adder]);
  const error = failOnce(({ name }) => name === 'futimesSync');
  files.write(PLAIN, FIRST);
  await until('it is on the device', () => adder.inFlight === 1);
  expect(error.hasFailed).toBe(true);
  expect(statSync(files.request(PLAIN)).mtimeMs).toBe(1000);
  adder.finish();
  await until('it has its response', () => files.responseText(PLAIN) === '3\n');
});

test.each(['lstatSync', 'unlinkSync'] as const)(
  'a next request that was set aside survives a failing %s',
  async (name) => {
    const adder = new CpuVectorAdder();
    await host.start([adder]);
    let isWritten = false;
    const error = { hasFailed: false };
    fakeFs.intercept((call) => {
      // The client of the first has read its response, and writes the next at once.
      if (!isWritten && callOf('renameSync', '/request.txt')(call)) {
        isWritten = true;
        truncateSync(files.response(PLAIN));
        files.write(PLAIN, NEXT);
      }
      if (error.hasFailed || !isAside(name)(call)) return call.proceed();
      error.hasFailed = true;
      throw systemError('EIO');
    });
    files.write(PLAIN, FIRST);
    await until('it has failed', () => error.hasFailed);
    await until('the next has its response', () => files.responseText(PLAIN) !== '');
    expect(files.responseText(PLAIN)).toBe('7\n');
    await until('nothing is left', () => files.names().join() === 'response.txt');
  },
);

test('a response is put in place once, although its request cannot be cleared at first', async () => {
  const mediator = await host.start([new CpuVectorAdder()]);
  const error = failOnce(
    (call) => call.name === 'renameSync' && String(call.args[1]).includes('/.vgpu-taken-'),
    () => {
      // Its client has already read the response.
      truncateSync(files.response(PLAIN));
    },
  );
  files.write(PLAIN, FIRST);
  await until('it has failed', () => error.hasFailed);
  await until('it is cleared', () => mediator.statistics().requests === 1);
  expect(files.responseText(PLAIN)).toBe('');
  expect(mediator.statistics().outcome).toEqual({ OK: 1 });
});

test('a root that cannot be listed once is listed again, although nothing changes in it', async () => {
  const path = host.root;
  // Older than the clock of the file system may hide.
  utimesSync(path, 1000, 1000);
  files.write(PLAIN, FIRST);
  let listings = 0;
  fakeFs.intercept((call) => {
    if (call.name === 'readdirSync' && call.args[0] === path) listings += 1;
    // The first one only checks that the root exists.
    if (call.name === 'readdirSync' && listings === 2) throw systemError('EIO');
    return call.proceed();
  });
  await host.start([new CpuVectorAdder()]);
  await until('the request has its response', () => files.responseText(PLAIN) === '3\n');
  expect(listings).toBeGreaterThan(2);
});
