import {
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CpuVectorAdder, type VectorAdder } from '@vgpu/cuda-binding';
import { encodeRequest, type Pool, type Priority } from '@vgpu/protocol';
import { Mediator } from '../src/mediator.js';
import { MediatorError } from '../src/mediator-error.js';
import { DEFAULT_SETTINGS } from '../src/settings.js';
import { FakeFailingAdder, FakeHungAdder, FakeManualAdder } from './support/fakes.js';
import { NON_EMPTY_DIRECTORY, REMOVABLE } from './support/hostile.js';
import { openBelow } from './support/temporary-directory.js';
import { TestHost } from './support/test-host.js';
import { nextTick, until } from './support/until.js';
import { named, PLAIN, type VmFiles } from './support/vm-files.js';

let host: TestHost;

beforeEach(() => {
  host = new TestHost(Mediator);
});

afterEach(async () => {
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

interface Line {
  readonly vm: number;
  readonly a: number;
  readonly b?: number;
  readonly pool?: Pool;
  readonly priority?: Priority;
}

function line({ vm, a, b = 1, pool = 'A', priority = 1 }: Line): string {
  return encodeRequest({ pool, priority, vm, a: Int32Array.of(a), b: Int32Array.of(b) });
}

const X = named('x');

const hasResponse = (files: VmFiles, slot = X) => files.responseText(slot).endsWith('\n');
const expectResponse = (files: VmFiles, slot = X) =>
  until('the request has its response', () => hasResponse(files, slot) && !files.hasRequest(slot));

describe('a request', () => {
  test.each([
    {
      how: 'renamed into place',
      slot: X,
      write: (files: VmFiles) => {
        files.put(X, 'A:2:7:100:200\n');
      },
    },
    {
      how: 'in place',
      slot: X,
      write: (files: VmFiles) => {
        files.write(X, 'A:2:7:100:200\n');
      },
    },
    {
      how: 'without a newline',
      slot: X,
      write: (files: VmFiles) => {
        files.write(X, 'A:2:7:100:200');
      },
    },
    {
      how: 'to the plain slot',
      slot: PLAIN,
      write: (files: VmFiles) => {
        files.write(PLAIN, 'A:2:7:100:200');
      },
    },
  ])('that is written $how gets its response and is cleared', async ({ slot, write }) => {
    const files = host.vm(7);
    await host.start([new CpuVectorAdder()]);
    write(files);
    await expectResponse(files, slot);
    expect(files.responseText(slot)).toBe('300\n');
    await expectNames(files, [basename(files.response(slot))]);
    await until('it is logged', () => host.logger.finished.length === 1);
    expect(host.logger.finished).toEqual([
      {
        vm: 7,
        slot: slot === X ? 'x' : '.',
        pool: 'A',
        priority: 2,
        seq: 1,
        waitMs: expect.any(Number),
        execMs: expect.any(Number),
        outcome: 'OK',
      },
    ]);
  });

  test('that was on disk before the start gets its response', async () => {
    const files = host.vm(7);
    files.write(X, line({ vm: 7, a: 100, b: 200 }));
    await host.start([new CpuVectorAdder()]);
    await expectResponse(files);
    expect(files.responseText(X)).toBe('300\n');
  });

  test('of vectors, and of the ends of int32', async () => {
    const files = host.vm(7);
    files.write(named('v'), 'A:2:7:1,2,3:10,20,30\n');
    files.write(named('w'), 'B:0:7:2147483647:1\n');
    await host.start([new CpuVectorAdder()]);
    await expectResponse(files, named('v'));
    await expectResponse(files, named('w'));
    expect([files.responseText(named('v')), files.responseText(named('w'))]).toEqual([
      '11,22,33\n',
      '-2147483648\n',
    ]);
  });

  test('after request in the plain slot, as an old client does it, gets its own response', async () => {
    const files = host.vm(7);
    await host.start([new CpuVectorAdder()], { settleMs: 1 });
    for (let i = 0; i < 30; i += 1) {
      files.write(PLAIN, `A:1:7:${i}:1000`);
      await until(`response ${i}`, () => hasResponse(files, PLAIN));
      expect(files.responseText(PLAIN)).toBe(`${i + 1000}\n`);
      truncateSync(files.response(PLAIN));
    }
    const isOwn = (name: string) => name.startsWith('.');
    await until('a thread has removed the rest', () => !files.names().some(isOwn));
  });

  test.each(['hello\n', 'A:2:8:1:2\n'])(
    'that is rejected (%j) does not hold up others',
    async (bad) => {
      const files = host.vm(7);
      files.write(X, bad);
      files.write(named('y'), line({ vm: 7, a: 1 }));
      const mediator = await host.start([new CpuVectorAdder()]);
      await expectResponse(files);
      await expectResponse(files, named('y'));
      expect(files.responseText(X)).toMatch(/^ERROR:(BAD_REQUEST|VM_MISMATCH):/);
      expect(host.logger.of('request rejected')).toHaveLength(1);
      expect(mediator.statistics()).toMatchObject({ requests: 2, vm: { 7: 2 } });
    },
  );

  test('that is an irregular file delays no other request', async () => {
    const files = host.vm(7);
    const secret = join(host.root, '..', 'secret.txt');
    writeFileSync(secret, line({ vm: 7, a: 1 }));
    for (const [i, thing] of [...REMOVABLE, NON_EMPTY_DIRECTORY].entries()) {
      thing.put(files.request(named(`${i}`)), secret);
    }
    files.write(X, line({ vm: 7, a: 1 }));
    await host.start([new CpuVectorAdder()]);
    await expectResponse(files);
    for (let i = 0; i < REMOVABLE.length; i += 1) await expectResponse(files, named(`${i}`));
    await until('the last one', () => hasResponse(files, named(`${REMOVABLE.length}`)));
  });
});

describe('a device that fails', () => {
  test('gets the response DEVICE_FAILED', async () => {
    const files = host.vm(7);
    files.write(X, line({ vm: 7, a: 1 }));
    const mediator = await host.start([new FakeFailingAdder(new Error('out of memory'))]);
    await expectResponse(files);
    expect(files.responseText(X)).toBe('ERROR:DEVICE_FAILED:out of memory\n');
    await until('it is counted', () => mediator.statistics().requests === 1);
    expect(mediator.statistics().outcome).toEqual({ DEVICE_FAILED: 1 });
  });

  test('to finish gives the response DEADLINE, and the next request is served', async () => {
    const files = host.vm(7);
    files.write(X, line({ vm: 7, a: 1 }));
    const devices: VectorAdder[] = [new FakeHungAdder(), new CpuVectorAdder()];
    await host.start([], {
      devices: [() => Promise.resolve(devices.shift() ?? new FakeHungAdder())],
      execLimitMs: 30,
    });
    await expectResponse(files);
    expect(files.responseText(X)).toBe('ERROR:DEADLINE:the device did not finish within 30 ms\n');
    files.write(named('y'), line({ vm: 7, a: 1 }));
    await expectResponse(files, named('y'));
    expect(files.responseText(named('y'))).toBe('2\n');
  });

  test('to open, as all others, is an error of the start, which leaves nothing behind', async () => {
    const fails = (why: string) => () => Promise.reject(new Error(why));
    const mediator = host.mediator([], { devices: [fails('no such device'), fails('nor this')] });
    await expect(mediator.start()).rejects.toThrow('no such device');
    await host.start([new CpuVectorAdder()]);
  });
});

describe('devices', () => {
  test('are given one operation at a time, while requests are accepted', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    files.write(X, line({ vm: 7, a: 1 }));
    await until('it is on the device', () => adder.inFlight === 1);
    for (const [i, priority] of ([0, 2, 1, 2] as const).entries()) {
      files.put(named(`${i}`), line({ vm: 7, a: 10 + i, priority }));
      await nextTick();
    }
    await until('all are queued', () => mediator.queued === 4);
    expect(adder.started).toEqual([1]);
    for (let i = 0; i < 5; i += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      adder.finish();
    }
    await until('all have their responses', () => host.served.length === 5);
    expect(adder.started).toEqual([1, 11, 13, 12, 10]);
    expect(adder.mostInFlight).toBe(1);
  });

  test('are busy while requests that come at once are queued, up to the limit', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder], { pollIntervalMs: 1e6, maxQueuedPerVm: 80 });
    // The first turn takes more.
    await sleep(10);
    for (let i = 0; i < 100; i += 1) files.write(named(`${i}`), line({ vm: 7, a: i }));
    await until('all are queued for which there is room', () => mediator.queued === 79);
    expect(adder.started).toHaveLength(1);
    const stopping = mediator.stop();
    adder.finish();
    await stopping;
    expect(adder.started).toHaveLength(1);
  });

  test('work side by side', async () => {
    const files = host.vm(7);
    const adders = [new FakeManualAdder(), new FakeManualAdder()];
    const mediator = await host.start(adders);
    for (let i = 0; i < 3; i += 1) files.write(named(`${i}`), line({ vm: 7, a: i }));
    await until('both have one', () => adders.every(({ inFlight }) => inFlight === 1));
    await until('the third waits', () => mediator.queued === 1);
    adders[1]?.finish();
    await until('the free one takes it', () => mediator.queued === 0);
    expect(adders.map(({ started }) => started.length)).toEqual([1, 2]);
    for (const adder of adders) adder.finish();
    await until('all have their responses', () => host.served.length === 3);
  });
});

describe('inotify', () => {
  beforeEach(async () => {
    host.vm(7);
    await host.start([new CpuVectorAdder()], { pollIntervalMs: 1e6 });
  });

  test('makes requests be served without waiting for a scan', async () => {
    const files = host.vm(7);
    files.put(X, line({ vm: 7, a: 1 }));
    await expectResponse(files);
    files.write(named('y'), line({ vm: 7, a: 1 }).trimEnd());
    await expectResponse(files, named('y'));
    files.write(PLAIN, line({ vm: 7, a: 1 }));
    await expectResponse(files, PLAIN);
    await expectNames(files, ['response-x.txt', 'response-y.txt', 'response.txt']);
  });

  test('makes new VM directories be served without waiting for a scan', async () => {
    const files = host.vm(8);
    files.write(X, line({ vm: 8, a: 1 }));
    await expectResponse(files);
    await expectNames(files, ['response-x.txt']);
  });
});

describe('order', () => {
  test('of requests on disk at the start is decided when all of them are known', async () => {
    const files = host.vm(7);
    for (let i = 0; i < 40; i += 1) files.write(named(`${i}`), line({ vm: 7, a: i, priority: 0 }));
    await nextTick();
    files.write(X, line({ vm: 7, a: 1000, priority: 2 }));
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    await until('one is on the device', () => adder.inFlight === 1);
    expect(adder.started).toEqual([1000]);
    expect(mediator.queued).toBe(40);
    const stopping = mediator.stop();
    adder.finish();
    await stopping;
  });

  test('of sixty requests on disk at the start is priority, then arrival', async () => {
    const expected: { id: string; priority: Priority; ctimeNs: bigint }[] = [];
    const priorities: Priority[] = [1, 0, 2, 2, 0, 1, 0, 1, 2, 0];
    for (let i = 0; i < 60; i += 1) {
      const [vm, priority] = [1 + (i % 3), priorities[i % 10] ?? 0];
      const files = host.vm(vm);
      files.put(named(`n${i}`), line({ vm, a: i, priority, pool: i % 2 === 0 ? 'A' : 'B' }));
      const { ctimeNs } = statSync(files.request(named(`n${i}`)), { bigint: true });
      expected.push({ id: `n${i}`, priority, ctimeNs });
      if (i % 6 === 5) await nextTick();
    }
    await host.start([new CpuVectorAdder()]);
    await until('all have their responses', () => host.served.length === 60);
    const of = new Map(expected.map((request) => [request.id, request]));
    const keys = host.served.map((id) => of.get(String(id)));
    const sorted = keys.toSorted(
      (x, y) =>
        (y?.priority ?? 0) - (x?.priority ?? 0) || Number((x?.ctimeNs ?? 0n) - (y?.ctimeNs ?? 0n)),
    );
    expect(keys).toEqual(sorted);
    expect(new Set(host.served).size).toBe(60);
    // The log's numbers are those of the order of arrival.
    const seqs = new Map(host.logger.finished.map(({ slot, seq }) => [slot, Number(seq)]));
    const bySeq = expected.toSorted((x, y) => (seqs.get(x.id) ?? 0) - (seqs.get(y.id) ?? 0));
    expect(bySeq).toEqual(bySeq.toSorted((x, y) => Number(x.ctimeNs - y.ctimeNs)));
  });

  test('does not depend on the VM or the pool', async () => {
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    host.vm(9).write(X, line({ vm: 9, a: 0 }));
    await until('the device is busy', () => adder.inFlight === 1);
    for (let i = 1; i <= 4; i += 1) {
      host.vm(5 - i).put(X, line({ vm: 5 - i, a: i, pool: i % 2 === 0 ? 'A' : 'B' }));
      await until('it is queued', () => mediator.queued === i);
    }
    for (let i = 0; i < 5; i += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      adder.finish();
    }
    await until('all have their responses', () => host.served.length === 5);
    expect(adder.started).toEqual([0, 1, 2, 3, 4]);
  });

  test('lets requests beyond the limit of a VM wait behind equals that came meanwhile', async () => {
    const [flooding, other] = [host.vm(1), host.vm(2)];
    for (let i = 1; i <= 6; i += 1) {
      flooding.write(named(`${i}`), line({ vm: 1, a: i }));
      await nextTick();
    }
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder], { maxQueuedPerVm: 2 });
    await until('one is on the device, one queued', () => mediator.queued === 1);
    other.write(X, line({ vm: 2, a: 100 }));
    await until('the other is queued', () => mediator.queued === 2);
    for (let i = 0; i < 7; i += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      expect(mediator.queued).toBeLessThanOrEqual(2);
      adder.finish();
    }
    await until('all have their responses', () => host.served.length === 7);
    expect(adder.started).toEqual([1, 2, 100, 3, 4, 5, 6]);
    expect(flooding.names().filter((name) => name.startsWith('request'))).toEqual([]);
  });

  test('lets requests that come while their VM is at the limit wait behind equals that came later', async () => {
    const [first, other] = [host.vm(1), host.vm(2)];
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder], { maxQueuedPerVm: 1 });
    first.write(named('1'), line({ vm: 1, a: 1 }));
    await until('the device is busy', () => adder.inFlight === 1);
    first.write(named('2'), line({ vm: 1, a: 2 }));
    await nextTick();
    other.write(X, line({ vm: 2, a: 100 }));
    await until('the other is queued', () => mediator.queued === 1);
    for (let i = 0; i < 3; i += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      adder.finish();
    }
    await until('all have their responses', () => host.served.length === 3);
    expect(adder.started).toEqual([1, 100, 2]);
  });
});

describe('a request that is withdrawn', () => {
  let files: VmFiles;
  let adder: FakeManualAdder;
  let mediator: Mediator;

  beforeEach(async () => {
    files = host.vm(7);
    adder = new FakeManualAdder();
    // Without the help of scans.
    mediator = await host.start([adder], { pollIntervalMs: 1e6 });
    files.write(X, line({ vm: 7, a: 1 }));
    await until('the device is busy', () => adder.inFlight === 1);
    files.write(named('y'), line({ vm: 7, a: 2 }));
    await until('one is queued', () => mediator.queued === 1);
  });

  test('while it is queued is dropped', async () => {
    unlinkSync(files.request(named('y')));
    await until('it is dropped', () => mediator.queued === 0);
    adder.finish();
    await expectResponse(files);
    await expectNames(files, ['response-x.txt']);
    expect(adder.started).toEqual([1]);
    expect(mediator.statistics().outcome).toEqual({ OK: 1, WITHDRAWN: 1 });
  });

  test('while it is on the device gets no response', async () => {
    unlinkSync(files.request(X));
    adder.finish();
    await until('the next is on the device', () => adder.started.length === 2);
    adder.finish();
    await expectResponse(files, named('y'));
    await expectNames(files, ['response-y.txt']);
    expect(host.logger.finished.map(({ slot, outcome }) => [slot, outcome])).toEqual([
      ['x', 'WITHDRAWN'],
      ['y', 'OK'],
    ]);
  });

  test('and replaced while it is queued gets the response of its new content', async () => {
    await nextTick();
    files.write(named('y'), line({ vm: 7, a: 3 }));
    await until('it is read again', () => host.outcomes().length === 1 && mediator.queued === 1);
    adder.finish();
    await until('the next is on the device', () => adder.started.length === 2);
    adder.finish();
    await expectResponse(files, named('y'));
    expect(adder.started).toEqual([1, 3]);
    expect(files.responseText(named('y'))).toBe('4\n');
    expect(host.outcomes()).toEqual(['WITHDRAWN', 'OK', 'OK']);
  });

  test('and replaced while it is on the device gets the response of its new content', async () => {
    await nextTick();
    files.write(X, line({ vm: 7, a: 5 }));
    // Noticed by now, while nothing can be done about it.
    await sleep(20);
    adder.finish();
    await until('the next is on the device', () => adder.started.length === 2);
    expect(files.responseText(X)).toBe('');
    adder.finish();
    await until('the new one is on the device', () => adder.started.length === 3);
    adder.finish();
    await expectResponse(files);
    expect(adder.started).toEqual([1, 2, 5]);
    expect(files.responseText(X)).toBe('6\n');
  });
});

describe('VM directories', () => {
  test('that come while it runs are served', async () => {
    await host.start([new CpuVectorAdder()]);
    const files = host.vm(4294967295);
    files.write(X, line({ vm: 4294967295, a: 1 }));
    await expectResponse(files);
  });

  test('that are moved into the root with requests in them are served', async () => {
    await host.start([new CpuVectorAdder()]);
    mkdirSync(join(host.root, 'incoming'));
    writeFileSync(join(host.root, 'incoming', 'request.txt'), line({ vm: 3, a: 1 }));
    renameSync(join(host.root, 'incoming'), join(host.root, 'vm3'));
    await expectResponse(host.vm(3), PLAIN);
  });

  test('with other names, and links, are not served', async () => {
    await host.start([new CpuVectorAdder()]);
    const outside = join(host.root, '..', 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(host.root, 'vm5'));
    for (const name of ['vm0', 'vm07', 'VM7', 'vm', 'vm4294967296', 'lost+found']) {
      mkdirSync(join(host.root, name));
      writeFileSync(join(host.root, name, 'request.txt'), line({ vm: 7, a: 1 }));
    }
    writeFileSync(join(outside, 'request.txt'), line({ vm: 5, a: 1 }));
    writeFileSync(join(host.root, 'vm6'), '');
    const files = host.vm(9);
    files.write(X, line({ vm: 9, a: 1 }));
    await expectResponse(files);
    await sleep(60);
    expect(readdirSync(outside)).toEqual(['request.txt']);
    expect(readdirSync(join(host.root, 'vm07'))).toEqual(['request.txt']);
    expect(host.served).toEqual(['x']);
    expect(
      host.logger.entries.filter(({ level }) => level === 'warn').map(({ fields }) => fields),
    ).toEqual([{ path: join(host.root, 'vm5') }, { path: join(host.root, 'vm6') }]);
  });

  const expectGone = () =>
    until('it is gone', () => host.logger.of('a VM directory is gone').length === 1);

  test('that are removed are let go, and served when they come again', async () => {
    const files = host.vm(7);
    await host.start([new CpuVectorAdder()]);
    rmSync(files.path, { recursive: true });
    await expectGone();
    const again = host.vm(7);
    again.write(X, line({ vm: 7, a: 1 }));
    await expectResponse(again);
  });

  test('that are removed while a request is on the device and another is queued', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    files.write(X, line({ vm: 7, a: 1 }));
    files.write(named('y'), line({ vm: 7, a: 2 }));
    await until('one is queued', () => adder.inFlight === 1 && mediator.queued === 1);
    rmSync(files.path, { recursive: true });
    await expectGone();
    adder.finish();
    await until('both are dropped', () => host.outcomes().length === 2);
    expect(host.outcomes()).toEqual(['WITHDRAWN', 'WITHDRAWN']);
    const other = host.vm(8);
    other.write(X, line({ vm: 8, a: 3 }));
    await until('others are served', () => adder.inFlight === 1);
    adder.finish();
    await expectResponse(other);
  });

  test('that are replaced, with requests queued, are served with their new content', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    files.write(X, line({ vm: 7, a: 1 }));
    files.write(named('y'), line({ vm: 7, a: 2 }));
    await until('one is queued', () => adder.inFlight === 1 && mediator.queued === 1);
    renameSync(files.path, join(host.root, 'old'));
    const again = host.vm(7);
    again.write(named('z'), line({ vm: 7, a: 3 }));
    await expectGone();
    expect(host.outcomes()).toEqual(['WITHDRAWN']);
    adder.finish();
    await until('the new one is on the device', () => adder.started.includes(3));
    adder.finish();
    await expectResponse(again, named('z'));
    expect(adder.started).toEqual([1, 3]);
    await expectNames(again, ['response-z.txt']);
    // The administrator's copy is left as it was.
    expect(readdirSync(join(host.root, 'old')).sort()).toEqual(['request-x.txt', 'request-y.txt']);
  });

  test('that are renamed are served under their new name only', async () => {
    const files = host.vm(7);
    const mediator = await host.start([new CpuVectorAdder()]);
    files.write(X, line({ vm: 7, a: 1 }));
    await expectResponse(files);
    renameSync(files.path, join(host.root, 'vm8'));
    await expectGone();
    const renamed = host.vm(8);
    for (let i = 0; i < 5; i += 1) {
      renamed.put(named(`${i}`), line({ vm: 8, a: i }));
      await expectResponse(renamed, named(`${i}`));
      expect(renamed.responseText(named(`${i}`))).toBe(`${i + 1}\n`);
    }
    expect(mediator.statistics().outcome).toEqual({ OK: 6 });
  });

  test('in a root that does not exist: it is created', async () => {
    await host.start([new CpuVectorAdder()], { root: join(host.root, 'deep', 'er') });
    expect(readdirSync(join(host.root, 'deep', 'er'))).toEqual(['.vgpu-mediator.lock']);
  });

  test('in a root that is no directory: the start fails', async () => {
    writeFileSync(host.root, '');
    const starting = host.start([new CpuVectorAdder()]);
    await expect(starting).rejects.toThrow(MediatorError);
    await expect(starting).rejects.toMatchObject({ code: 'ROOT_UNUSABLE' });
    rmSync(host.root);
    await host.start([new CpuVectorAdder()]);
  });

  test('in a root that goes away and comes back are served', async () => {
    host.vm(7);
    await host.start([new CpuVectorAdder()]);
    rmSync(host.root, { recursive: true });
    await until(
      'it is noticed',
      () => host.logger.of('cannot read the root; trying again at each scan').length > 0,
    );
    const again = host.vm(7);
    again.write(X, line({ vm: 7, a: 1 }));
    await expectResponse(again);
    expect(host.logger.of('cannot read the root; trying again at each scan')).toHaveLength(1);
    expect(host.logger.of('the root can be read again')).toHaveLength(1);
  });
});

describe('a second mediator', () => {
  test('on the same state directory is refused, and does no harm', async () => {
    const files = host.vm(7);
    await host.start([new CpuVectorAdder()]);
    await expect(host.start([new CpuVectorAdder()])).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
    });
    files.write(X, line({ vm: 7, a: 1 }));
    await expectResponse(files);
  });

  test('may follow the first', async () => {
    const first = await host.start([new CpuVectorAdder()]);
    await first.stop();
    await host.start([new CpuVectorAdder()]);
    expect(host.logger.of('ready')).toHaveLength(2);
  });
});

describe('whenIdle()', () => {
  test('waits for all requests on disk, half-written ones included', async () => {
    for (let vm = 1; vm <= 3; vm += 1) {
      for (let i = 0; i < 10; i += 1) {
        host.vm(vm).write(named(`${i}`), line({ vm, a: i }).slice(0, i % 2 === 0 ? undefined : -1));
      }
    }
    const mediator = await host.start([new CpuVectorAdder({ delayMs: 1 })], { maxQueuedPerVm: 3 });
    await mediator.whenIdle();
    expect(mediator.queued).toBe(0);
    for (let vm = 1; vm <= 3; vm += 1) {
      for (let i = 0; i < 10; i += 1)
        expect(host.vm(vm).responseText(named(`${i}`))).toBe(`${i + 1}\n`);
    }
    await mediator.whenIdle();
  });

  test('of an empty root is immediate', async () => {
    const mediator = await host.start([new CpuVectorAdder()], { pollIntervalMs: 1e6 });
    await expect(mediator.whenIdle()).resolves.toBeUndefined();
  });

  test('may be waited for by several', async () => {
    const adder = new FakeManualAdder();
    host.vm(7).write(X, line({ vm: 7, a: 1 }));
    const mediator = await host.start([adder]);
    await until('it is on the device', () => adder.inFlight === 1);
    let drained = 0;
    for (let i = 0; i < 2; i += 1) void mediator.whenIdle().then(() => (drained += 1));
    adder.finish();
    await until('both are told', () => drained === 2);
    expect(hasResponse(host.vm(7))).toBe(true);
  });

  test('ends when the last VM directory goes, with the requests that settled in it', async () => {
    host.vm(7).write(X, 'A:1:7:1:1');
    const mediator = await host.start([new CpuVectorAdder()], { settleMs: 1e6 });
    await until('it is opened', () => host.logger.of('serving a VM directory').length === 1);
    await sleep(10);
    let isDrained = false;
    void mediator.whenIdle().then(() => (isDrained = true));
    await sleep(10);
    expect(isDrained).toBe(false);
    rmSync(join(host.root, 'vm7'), { recursive: true });
    await until('it is drained', () => isDrained);
  });
});

describe('drain()', () => {
  test('finishes queued requests, and leaves new ones on disk', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    for (const id of ['x', 'y', 'z']) files.write(named(id), line({ vm: 7, a: 1 }));
    await until('two are queued', () => mediator.queued === 2 && adder.inFlight === 1);
    expect(mediator.unfinished).toBe(3);
    let isFinished = false;
    const finishing = mediator.drain().then(() => (isFinished = true));
    expect(mediator.snapshot().phase).toBe('draining');
    files.write(named('late'), line({ vm: 7, a: 2, priority: 2 }));
    for (let n = 0; n < 3; n += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      expect(isFinished).toBe(false);
      adder.finish();
    }
    await finishing;
    // Scans find it, and leave it.
    await sleep(50);
    expect([mediator.unfinished, adder.started]).toEqual([0, [1, 1, 1]]);
    await mediator.stop();
    expect(host.served).toHaveLength(3);
    await host.start([new CpuVectorAdder()]);
    await expectResponse(files, named('late'));
  });

  test('ends when the mediator is stopped', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    for (const id of ['x', 'y']) files.write(named(id), line({ vm: 7, a: 1 }));
    await until('one is queued', () => mediator.queued === 1 && adder.inFlight === 1);
    const finishing = mediator.drain();
    const stopping = mediator.stop();
    await finishing;
    expect(mediator.unfinished).toBe(2);
    adder.finish();
    await stopping;
    expect(mediator.queued).toBe(1);
  });
});

describe('stop()', () => {
  test('finishes the request on the device, and leaves the others on disk', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder]);
    files.write(X, line({ vm: 7, a: 1, priority: 2 }));
    await until('it is on the device', () => adder.inFlight === 1);
    files.write(named('y'), line({ vm: 7, a: 2 }));
    await until('one is queued', () => mediator.queued === 1);
    let isStopped = false;
    const stopping = mediator.stop().then(() => (isStopped = true));
    await sleep(10);
    expect(isStopped).toBe(false);
    expect(adder.isClosed).toBe(false);
    adder.finish();
    await stopping;
    expect(files.responseText(X)).toBe('2\n');
    expect(adder.isClosed).toBe(true);
    expect(adder.started).toEqual([1]);
    await expectNames(files, ['request-y.txt', 'response-x.txt']);

    await host.start([new CpuVectorAdder()]);
    await expectResponse(files, named('y'));
  });

  test('of a device that hangs waits until the limit', async () => {
    const files = host.vm(7);
    const adder = new FakeHungAdder();
    const mediator = await host.start([adder], { execLimitMs: 50 });
    files.write(X, line({ vm: 7, a: 1 }));
    await until('it is dispatched', () => host.logger.of('request on the device').length === 1);
    // The reopened device would hang, too, when it is closed.
    adder.close = () => Promise.resolve();
    await mediator.stop();
    expect(files.responseText(X)).toMatch(/^ERROR:DEADLINE:/);
  });

  test('serves nothing any more, at once', async () => {
    const files = host.vm(7);
    const mediator = await host.start([new CpuVectorAdder()]);
    const stopping = mediator.stop();
    files.write(X, line({ vm: 7, a: 1 }));
    await stopping;
    await sleep(60);
    expect(files.names()).toEqual(['request-x.txt']);
  });

  test('may be called again, also at the same time', async () => {
    const adder = new FakeManualAdder();
    host.vm(7).write(X, line({ vm: 7, a: 1 }));
    const mediator = await host.start([adder]);
    await until('it is on the device', () => adder.inFlight === 1);
    let stopped = 0;
    for (let i = 0; i < 2; i += 1) void mediator.stop().then(() => (stopped += 1));
    await sleep(5);
    adder.finish();
    await until('both are told', () => stopped === 2);
    await expect(mediator.stop()).resolves.toBeUndefined();
  });

  test('lets a drain() that waits end', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    files.write(X, line({ vm: 7, a: 1 }));
    const mediator = await host.start([adder]);
    await until('it is on the device', () => adder.inFlight === 1);
    let isOver = false;
    const over = () => (isOver = true);
    void mediator.whenIdle().then(over, over);
    const stopping = mediator.stop();
    adder.finish();
    await stopping;
    await until('the drain is over', () => isOver);
    expect(files.responseText(X)).toBe('2\n');
  });

  test('before the start is harmless', async () => {
    await expect(host.mediator([new CpuVectorAdder()]).stop()).resolves.toBeUndefined();
  });

  test('is for good: starting after it holds nothing', async () => {
    const mediator = host.mediator([new CpuVectorAdder()]);
    await mediator.stop();
    await mediator.start().catch(() => undefined);
    await host.start([new CpuVectorAdder()]);
    expect(host.logger.of('ready')).toHaveLength(1);
  });

  test('during the start ends it', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    let open: () => void = () => undefined;
    const mediator = host.mediator([], {
      devices: [
        () =>
          new Promise<VectorAdder>((resolve) => {
            open = () => {
              resolve(adder);
            };
          }),
      ],
    });
    const starting = mediator.start().catch(() => undefined);
    const stopping = mediator.stop();
    open();
    await Promise.all([starting, stopping]);
    files.write(X, line({ vm: 7, a: 1 }));
    await sleep(60);
    expect(adder.isClosed).toBe(true);
    expect(files.names()).toEqual(['request-x.txt']);
    expect(openBelow(host.root)).toEqual([]);
    expect(host.logger.of('ready')).toEqual([]);
  });
});

describe('settings', () => {
  test('have the documented defaults', () => {
    expect(DEFAULT_SETTINGS).toEqual({
      pollIntervalMs: 1000,
      settleMs: 200,
      maxQueuedPerVm: 64,
      execLimitMs: 10_000,
      retentionMs: 3_600_000,
      requireRegistration: false,
      rateLimit: undefined,
    });
  });

  test('can be changed while it runs', async () => {
    const files = host.vm(7);
    const adder = new FakeManualAdder();
    const mediator = await host.start([adder], { maxQueuedPerVm: 1 });
    for (let i = 0; i < 4; i += 1) files.write(named(`${i}`), line({ vm: 7, a: i }));
    await until('the device is busy', () => adder.inFlight === 1);
    expect(mediator.queued).toBe(0);
    mediator.configure({ maxQueuedPerVm: 8 * 4 });
    await until('the rest is queued', () => mediator.queued === 3);
    expect(adder.started).toHaveLength(1);
    for (let i = 0; i < 4; i += 1) {
      await until('one is on the device', () => adder.inFlight === 1);
      adder.finish();
    }
    await until('all have their responses', () => host.served.length === 4);
  });

  test('responses that no client fetches are removed after the retention time', async () => {
    const files = host.vm(7);
    await host.start([new CpuVectorAdder()], { retentionMs: 300 });
    const sinceMs = performance.now();
    files.write(X, line({ vm: 7, a: 1 }));
    await expectResponse(files);
    await until('it is removed', () => files.names().length === 0);
    // By a clock that ticks.
    expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(300 - 21);
    expect(host.logger.of('removed stale files')).toHaveLength(1);
  });
});

/** Waits until a thread has removed the rest. */
async function expectNames(files: VmFiles, names: readonly string[]): Promise<void> {
  await until(`there is ${names.join(', ')}`, () => files.names().join() === names.join());
}

describe('an undeliverable response', () => {
  test('costs only its request', async () => {
    const files = host.vm(7);
    NON_EMPTY_DIRECTORY.put(files.response(X), '');
    files.write(X, line({ vm: 7, a: 1 }));
    files.write(named('y'), line({ vm: 7, a: 2 }));
    const mediator = await host.start([new CpuVectorAdder()]);
    await expectResponse(files, named('y'));
    await until('it is counted', () => mediator.statistics().requests === 2);
    await expectNames(files, ['response-x.txt', 'response-y.txt']);
    expect(mediator.statistics().outcome).toEqual({ OK: 1, UNDELIVERABLE: 1 });
  });
});

test('many requests of many VMs leave only their responses behind', async () => {
  const adders = [new CpuVectorAdder(), new CpuVectorAdder({ index: 1 })];
  const mediator = await host.start(adders, { maxQueuedPerVm: 4 });
  const vms = Array.from({ length: 10 }, (_, i) => i + 1);
  for (let i = 0; i < 20; i += 1) {
    for (const vm of vms) host.vm(vm).put(named(`${i}`), line({ vm, a: i, b: vm }));
    await sleep(1);
  }
  await until('all have their responses', () => mediator.statistics().requests === 200);
  await mediator.whenIdle();
  for (const vm of vms) {
    const files = host.vm(vm);
    await until('a thread has removed the rest', () => files.names().length === 20);
    for (let i = 0; i < 20; i += 1) expect(files.responseText(named(`${i}`))).toBe(`${i + vm}\n`);
  }
  expect(mediator.statistics()).toMatchObject({
    outcome: { OK: 200 },
    pool: { A: 200 },
    priority: { medium: 200 },
  });
  expect(host.logger.entries.filter(({ level }) => level === 'warn' || level === 'error')).toEqual(
    [],
  );
});
