import { EventEmitter } from 'node:events';
import { rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Candidate } from '../../src/spool/backlog.js';
import { SpoolEvents, type AdmittedFile, type ShareOptions } from '../../src/spool/share.js';
import type { VmSpool as Spool } from '../../src/spool/vm-spool.js';
import { FakeFs, silentWatcher, systemError } from '../support/fake-fs.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { nextTick, until } from '../support/until.js';
import { named, PLAIN, VmFiles } from '../support/vm-files.js';

const fakeFs = new FakeFs();
const { VmSpool } = await import('../../src/spool/vm-spool.js');

let root: string;
let files: VmFiles;
let events: SpoolEvents;
let works: number;
let lost: Error[];
let staleFiles: number[];
let maxQueued: number;
let spool: Spool;
let spools: Spool[];

function open(options: Partial<ShareOptions> = {}): Spool {
  events = new SpoolEvents();
  events.on('work', () => {
    works += 1;
  });
  events.on('watchLost', (error) => {
    lost.push(error);
  });
  events.on('staleRemoved', (_spool, count) => {
    staleFiles.push(count);
  });
  spool = new VmSpool({
    root,
    vm: 7,
    limits: { maxQueued: () => maxQueued },
    queue: { isOverloaded: false },
    settings: { settleMs: 0 },
    events,
    ...options,
  });
  spools.push(spool);
  return spool;
}

beforeEach(() => {
  root = join(temporaryDirectory(), 'root');
  files = new VmFiles(root, 7);
  [works, lost, staleFiles, maxQueued, spools] = [0, [], [], 1000, []];
});

afterEach(() => {
  fakeFs.restore();
  for (const opened of spools) opened.close();
  expect(openBelow(root)).toEqual([]);
});

/** As if the name had become a job, of a vector of this many elements. */
function admit(name: string, length = 1): AdmittedFile {
  const ticket = { name, bytes: 8 * length } as AdmittedFile;
  spool.admit(ticket);
  return ticket;
}

/** All names that can be read without waiting. */
function takeAll(read: (name: string) => void = () => undefined): Candidate[] {
  const taken: Candidate[] = [];
  for (let steps = 0; spool.hasWork; steps += 1) {
    const next = spool.finder.take().candidate;
    if (next !== undefined) {
      taken.push(next);
      read(next.name);
    }
    if (steps > 20_000) throw new Error('expected an end of the names to read');
  }
  // Names that do not fit must show, too.
  expect(spool.finder.take().candidate).toBeUndefined();
  return taken;
}

/** The same with as many scans as it takes. */
function takeAllOverScans(read?: (name: string) => void): Set<string> {
  const names = new Set<string>();
  for (let scans = 0; scans < 100; scans += 1) {
    for (const { name } of takeAll(read)) names.add(name);
    if (spool.isDrained) return names;
    spool.scan();
  }
  throw new Error('expected to be done after a hundred scans');
}

const namesOf = (candidates: readonly Candidate[]) => candidates.map(({ name }) => name);
const idle = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Gives the directory an old mtime, as if it had not changed for long. */
function age(): void {
  utimesSync(files.path, 1000, 1000);
}

/** inotify as it is where another host writes: it says nothing. */
function silenceInotify(): void {
  fakeFs.intercept(({ name, proceed }) => (name === 'watch' ? silentWatcher() : proceed()));
}

describe('a request on disk at the start', () => {
  test('is read, oldest first, and no other file is', async () => {
    for (const name of ['request-c.txt', 'request.txt', 'request-a.txt']) {
      writeFileSync(files.at(name), '');
      await nextTick();
    }
    for (const name of ['response.txt', '.request-a.b', 'request-.txt', 'request.txt~', 'other']) {
      writeFileSync(files.at(name), '');
    }
    open();
    expect(spool.hasWork).toBe(true);
    expect(spool.isDrained).toBe(false);
    expect(takeAll()).toEqual([
      { name: 'request-c.txt', deferred: false },
      { name: 'request.txt', deferred: false },
      { name: 'request-a.txt', deferred: false },
    ]);
    expect(spool.hasWork).toBe(false);
    expect(spool.isDrained).toBe(true);
  });

  test('may be nothing', () => {
    open();
    expect(takeAll()).toEqual([]);
    expect(spool.isDrained).toBe(true);
  });

  test('is found to the last name, also if it takes more than one listing', () => {
    const all = Array.from({ length: 5000 }, (_, i) => `request-${i}.txt`);
    for (const name of all) writeFileSync(files.at(name), '');
    silenceInotify();
    open();
    // As if each got its response at once.
    const found = takeAllOverScans((name) => {
      rmSync(files.at(name), { force: true });
    });
    found.delete('request.txt');
    expect(found.size).toBe(all.length);
    expect(files.names()).toEqual([]);
  });

  test('is found without waiting for scans while requests become jobs', () => {
    const all = Array.from({ length: 3000 }, (_, i) => `request-${i}.txt`);
    for (const name of all) writeFileSync(files.at(name), '');
    silenceInotify();
    open();
    const found = takeAll((name) => {
      const job = admit(name);
      unlinkSync(files.at(name));
      spool.release(job);
    });
    expect(namesOf(found).sort()).toEqual(all.sort());
  });

  test('is work that ends, also if many names lead to no request', () => {
    const all = Array.from({ length: 1100 }, (_, i) => `request-${i}.txt`);
    for (const name of all) writeFileSync(files.at(name), '');
    silenceInotify();
    open();
    const found = new Set(namesOf(takeAll()));
    expect(spool.hasWork).toBe(false);
    for (const name of takeAllOverScans()) found.add(name);
    found.delete('request.txt');
    expect([...found].sort()).toEqual(all.sort());
  });

  test('is not read twice while it is queued', () => {
    files.write(PLAIN, '');
    files.write(named('x'), '');
    open();
    admit('request-x.txt');
    expect(namesOf(takeAll())).toEqual(['request.txt']);
  });

  test('may be one that a killed mediator set aside, and does not wait for inotify', () => {
    writeFileSync(files.at('.vgpu-taken-1-2-3-x'), 'A:2:7:1:2\n');
    writeFileSync(files.at('.vgpu-answer-x'), '3');
    silenceInotify();
    open();
    expect(namesOf(takeAll())).toEqual(['request.txt']);
    expect(files.names()).toEqual(['request.txt']);
  });

  test('is recovered to the last name, also if it takes more than one listing', () => {
    for (let i = 0; i < 4500; i += 1) {
      writeFileSync(files.at(i % 50 === 0 ? `.vgpu-answer-${i}` : `junk-${i}`), '');
    }
    silenceInotify();
    open();
    takeAllOverScans();
    expect(files.names().filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('is recovered to the last name, also if a call fails in between', () => {
    for (let i = 0; i < 600; i += 1) symlinkSync('x', files.at(`.vgpu-taken-${i}`));
    const watcher = silentWatcher();
    let reads = 0;
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name === 'watch') return watcher;
      const isOfOne = name === 'lstatSync' && String(args[0]).includes('.vgpu-taken-');
      if (isOfOne && (reads += 1) === 5) throw systemError('EMFILE');
      return proceed();
    });
    open();
    expect(() => takeAll()).toThrow('EMFILE');
    spool.recordFailure(systemError('EMFILE'));
    spool.scan();
    takeAllOverScans();
    expect(files.names()).toEqual([]);
  });

  test('is recovered once: a later file of such a name stays', async () => {
    open();
    takeAll();
    writeFileSync(files.at('.vgpu-answer-x'), '3');
    spool.scan();
    takeAll();
    expect(files.names()).toEqual(['.vgpu-answer-x']);
    await idle();
  });
});

describe('inotify', () => {
  test.each([
    {
      how: 'in place',
      act: () => {
        files.write(PLAIN, 'A');
      },
      name: 'request.txt',
    },
    {
      how: 'by renaming',
      act: () => {
        files.put(named('x'), 'A');
      },
      name: 'request-x.txt',
    },
  ])('reports a request that is written $how', async ({ act, name }) => {
    open();
    takeAll();
    works = 0;
    act();
    await until('it is noticed', () => works > 0);
    expect(spool.hasWork).toBe(true);
    expect(spool.isDrained).toBe(false);
    expect(takeAll()).toEqual([{ name, deferred: false }]);
  });

  test('reports a removed queued request, for which there is always room', async () => {
    files.write(named('x'), 'A');
    maxQueued = 1;
    open();
    takeAll();
    admit('request-x.txt');
    unlinkSync(files.request(named('x')));
    await until('it is noticed', () => spool.hasWork);
    expect(takeAll()).toEqual([{ name: 'request-x.txt', deferred: false }]);
  });

  test('of other names gives no work', async () => {
    open();
    takeAll();
    works = 0;
    for (const name of ['response.txt', '.request-a.b', 'other']) writeFileSync(files.at(name), '');
    await idle();
    expect(works).toBe(0);
    expect(spool.hasWork).toBe(false);
  });

  test('that is not available is reported; every scan lists the directory then', () => {
    fakeFs.intercept(({ name, proceed }) => {
      if (name === 'watch') throw new Error('ENOSPC: no watches left');
      return proceed();
    });
    open();
    expect(lost).toHaveLength(1);
    takeAll();
    files.write(named('x'), '');
    age();
    for (let round = 0; round < 3; round += 1) {
      spool.scan();
      expect(namesOf(takeAll())).toEqual(['request.txt', 'request-x.txt']);
    }
  });

  test('that fails later is reported, and its watch closed', () => {
    const watcher = Object.assign(new EventEmitter(), { close: jest.fn() });
    fakeFs.intercept(({ name, proceed }) => (name === 'watch' ? watcher : proceed()));
    open();
    watcher.emit('error', new Error('lost'));
    expect(lost).toEqual([new Error('lost')]);
    expect(watcher.close).toHaveBeenCalledTimes(1);
  });

  test('is throttled for a VM that causes too many events, each time for more scans', () => {
    const watches: (EventEmitter & { isClosed?: boolean })[] = [];
    let report: (event: string, name: string) => void = () => undefined;
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name !== 'watch') return proceed();
      report = args.at(-1) as typeof report;
      const watcher = new EventEmitter() as (typeof watches)[number];
      watches.push(watcher);
      return Object.assign(watcher, { close: () => (watcher.isClosed = true) });
    });
    let throttled = 0;
    open();
    events.on('throttled', () => (throttled += 1));
    takeAll();
    const flood = (events: number) => {
      for (let i = 0; i < events; i += 1) report('change', 'junk');
    };
    const scansUntilWatched = () => {
      const before = watches.length;
      for (let scans = 1; scans < 100; scans += 1) {
        spool.scan();
        if (watches.length > before) return scans;
      }
      return Infinity;
    };
    // As many as the kernel keeps while the mediator stands still.
    flood(16_384);
    expect(watches[0]?.isClosed).toBeUndefined();
    // Served requests make up for their events, and so does a scan.
    for (let i = 0; i < 100; i += 1) spool.release(admit(`request-${i}.txt`));
    flood(6400);
    spool.scan();
    takeAll();
    flood(2048);
    expect(throttled).toBe(0);
    flood(1);
    expect([throttled, watches[0]?.isClosed]).toEqual([1, true]);
    // The names among those events may have been lost.
    expect(spool.hasWork).toBe(true);
    // Nothing is missed meanwhile.
    files.write(named('x'), '');
    expect(namesOf(takeAll())).toContain('request-x.txt');

    expect(scansUntilWatched()).toBe(1);
    flood(2049);
    expect(scansUntilWatched()).toBe(2);
    flood(2049);
    expect(scansUntilWatched()).toBe(4);
    for (let scans = 0; scans < 10; scans += 1) spool.scan();
    flood(16_385);
    expect(scansUntilWatched()).toBe(1);
  });

  test('reports nothing after closing', async () => {
    open();
    takeAll();
    spool.close();
    spools = [];
    works = 0;
    files.write(PLAIN, 'A');
    await idle();
    expect(works).toBe(0);
  });
});

describe('the queue limit', () => {
  beforeEach(async () => {
    maxQueued = 2;
    for (const id of ['1', '2', '3', '4']) {
      files.write(named(id), '');
      await nextTick();
    }
    silenceInotify();
    open();
  });

  const takeAndAdmit = () => {
    const candidate = spool.finder.take().candidate;
    return candidate && { ...candidate, job: admit(candidate.name) };
  };

  test('leaves the rest on disk, deferred, until jobs leave', () => {
    const jobs = [takeAndAdmit()?.job, takeAndAdmit()?.job];
    expect(spool.finder.take().candidate).toBeUndefined();
    expect(spool.hasWork).toBe(false);
    expect(spool.isDrained).toBe(false);
    works = 0;
    for (const job of jobs) if (job) spool.release(job);
    expect(works).toBe(2);
    expect(spool.hasWork).toBe(true);
    expect(spool.finder.take().candidate).toEqual({ name: 'request-3.txt', deferred: true });
  });

  test('defers all requests that waited, and none that come later', () => {
    const jobs = [takeAndAdmit()?.job, takeAndAdmit()?.job];
    expect(spool.finder.take().candidate).toBeUndefined();
    for (const job of jobs) if (job) spool.release(job);
    expect(takeAll()).toEqual([
      { name: 'request-3.txt', deferred: true },
      { name: 'request-4.txt', deferred: true },
    ]);
    spool.notice('request-5.txt');
    expect(spool.finder.take().candidate).toEqual({ name: 'request-5.txt', deferred: false });
  });

  test('defers also if the room was never exceeded', () => {
    const jobs = [takeAndAdmit()?.job, takeAndAdmit()?.job];
    // No call of take() that finds no room: the turn ended exactly at the limit.
    for (const job of jobs) if (job) spool.release(job);
    expect(spool.finder.take().candidate).toEqual({ name: 'request-3.txt', deferred: true });
  });

  test('defers requests that arrive while there is no room', () => {
    const jobs = namesOf(takeAll()).map(admit);
    spool.notice('request-5.txt');
    expect(spool.hasWork).toBe(false);
    for (const job of jobs) spool.release(job);
    expect(spool.finder.take().candidate).toEqual({ name: 'request-5.txt', deferred: true });
  });

  test('does not defer changes of queued requests', () => {
    const jobs = namesOf(takeAll()).map(admit);
    takeAll();
    spool.notice('request-1.txt');
    expect(spool.finder.take().candidate).toEqual({ name: 'request-1.txt', deferred: false });
    for (const job of jobs) spool.release(job);
    spool.notice('request-5.txt');
    expect(spool.finder.take().candidate).toEqual({ name: 'request-5.txt', deferred: false });
  });

  test('can be raised while it runs', () => {
    takeAndAdmit();
    takeAndAdmit();
    expect(spool.hasWork).toBe(false);
    maxQueued = 3 * 8;
    expect(spool.hasWork).toBe(true);
  });

  test('does not count a job that is released though another has its name', () => {
    const first = takeAndAdmit();
    if (first === undefined) throw new Error('expected a name');
    const second = admit(first.name);
    spool.release(first.job);
    expect([...spool.admitted]).toEqual([second]);
  });
});

describe('a VM that is over its limit', () => {
  const fill = (ids: number) => {
    for (let id = 0; id < ids; id += 1) files.write(named(String(id)), '');
    silenceInotify();
    open();
  };
  /** All candidates that there is room for. */
  const admitAll = (length?: number) => {
    const candidates: (Candidate & { readonly job: AdmittedFile })[] = [];
    while (spool.hasWork) {
      const next = spool.finder.take().candidate;
      if (next) candidates.push({ ...next, job: admit(next.name, length) });
    }
    return candidates;
  };

  test('or any VM under overload has an eighth of it queued, and the rest after the overload', () => {
    const queue = { isOverloaded: true };
    maxQueued = 64;
    open({ queue });
    takeAll();
    for (let id = 0; id < 20; id += 1) spool.notice(`request-${id}.txt`);
    expect(admitAll()).toHaveLength(8);
    queue.isOverloaded = false;
    const rest = admitAll();
    expect(rest).toHaveLength(12);
    expect(rest.some(({ deferred }) => deferred)).toBe(false);
  });

  test('has an eighth of it queued until nothing waits on disk any more', () => {
    maxQueued = 64;
    fill(100);
    const first = admitAll();
    expect(first).toHaveLength(64);
    expect(first.some(({ deferred }) => deferred)).toBe(false);
    const queued = first.map(({ job }) => job);
    const later: Candidate[] = [];
    for (let job = queued.shift(); job !== undefined; job = queued.shift()) {
      spool.release(job);
      const more = admitAll();
      if (more.length > 0) expect(queued.length + more.length).toBeLessThanOrEqual(8);
      queued.push(...more.map((candidate) => candidate.job));
      later.push(...more);
    }
    expect(later).toHaveLength(36);
    expect(later.every(({ deferred }) => deferred)).toBe(true);
    for (const id of ['a', 'b']) spool.notice(`request-${id}.txt`);
    expect(admitAll().map(({ deferred }) => deferred)).toEqual([false, false]);
  });

  test('and was throttled is no longer deferred once its watch is open again', () => {
    maxQueued = 2;
    let report: (event: string, name: string) => void = () => undefined;
    for (const id of ['1', '2', '3']) files.write(named(id), '');
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name !== 'watch') return proceed();
      report = args.at(-1) as typeof report;
      return silentWatcher();
    });
    open();
    const jobs = admitAll().map(({ job }) => job);
    for (let i = 0; i < 16_385; i += 1) report('change', 'junk');
    const serve = (served: Iterable<AdmittedFile>) => {
      for (const job of served) {
        unlinkSync(files.at(job.name));
        spool.release(job);
      }
    };
    serve(jobs);
    expect(admitAll().map(({ deferred }) => deferred)).toEqual([true]);
    serve(spool.admitted);
    spool.notice('request-4.txt');
    expect(spool.finder.take().candidate).toEqual({ name: 'request-4.txt', deferred: true });
    age();
    for (let scans = 0; scans < 3; scans += 1) {
      spool.scan();
      takeAll();
    }
    spool.notice('request-5.txt');
    expect(spool.finder.take().candidate).toEqual({ name: 'request-5.txt', deferred: false });
  });

  test('never has to wait for a listing while its jobs are served', () => {
    maxQueued = 64;
    fill(3000);
    const queued = admitAll().map(({ job }) => job);
    for (let served = 1; served < 3000; served += 1) {
      const job = queued.shift();
      expect(job).toBeDefined();
      if (job === undefined) return;
      unlinkSync(files.at(job.name));
      spool.release(job);
      // As much as a turn does for a VM: names that fit, or a step of a listing.
      for (let names = 0; names < 16 && spool.hasWork; names += 1) {
        const next = spool.finder.take().candidate;
        if (next === undefined) break;
        queued.push(admit(next.name));
      }
    }
  });

  test('does not wait for a scan if a listing has found little', () => {
    maxQueued = 10_000;
    silenceInotify();
    open();
    takeAll();
    for (let id = 0; id < 1025; id += 1) files.write(named(String(id)), '');
    for (let id = 0; id < 1025; id += 1) spool.notice(`request-${id}.txt`);
    const [, job] = takeAll().map(({ name }) => admit(name));
    expect(spool.hasWork).toBe(false);
    if (job !== undefined) spool.release(job);
    expect(spool.hasWork).toBe(true);
  });

  test('in bytes has no more than a mebibyte and one request queued', () => {
    fill(64);
    const length = 2 ** 14;
    const queued = admitAll(length);
    expect(queued).toHaveLength(2 ** 20 / (2 * 4 * length));
    expect(spool.isDrained).toBe(false);
    for (const { job } of queued) spool.release(job);
    expect(spool.hasWork).toBe(true);
  });
});

describe('names beyond the remembered ones', () => {
  test('are found again on disk', () => {
    silenceInotify();
    open();
    takeAll();
    const all = Array.from({ length: 1500 }, (_, i) => `request-${i}.txt`);
    for (const name of all) {
      writeFileSync(files.at(name), '');
      spool.notice(name);
    }
    const found = takeAllOverScans((name) => {
      rmSync(files.at(name), { force: true });
    });
    found.delete('request.txt');
    expect(found.size).toBe(all.length);
  });

  test('are bounded if only other names are listed: the rest waits for a scan', () => {
    for (let i = 0; i < 4200; i += 1) writeFileSync(files.at(`junk-${i}`), '');
    silenceInotify();
    open();
    const list = jest.spyOn(spool.directory, 'list');
    expect(takeAll()).toEqual([]);
    expect(list).toHaveBeenCalledTimes(4096 / 256);
    expect(spool.hasWork).toBe(false);
    expect(spool.isDrained).toBe(false);
    age();
    takeAllOverScans();
    expect(spool.isDrained).toBe(true);
  });

  test('are bounded also if names without a request are among them', () => {
    const total = 9000;
    for (let i = 0; i < total; i += 1) {
      writeFileSync(files.at(i % 10 === 0 ? `request-${i}.txt` : `junk-${i}`), '');
    }
    silenceInotify();
    open();
    const list = jest.spyOn(spool.directory, 'list');
    takeAll();
    const listed = list.mock.results.reduce(
      (sum, { value }) => sum + (value as { names: string[] }).names.length,
      0,
    );
    expect(listed).toBeLessThan(total);
    expect(spool.hasWork).toBe(false);
  });
});

describe('a scan', () => {
  beforeEach(() => {
    silenceInotify();
  });

  test('finds requests that inotify has not reported', () => {
    open();
    takeAll();
    files.write(named('x'), '');
    expect(spool.scan()).toBe(true);
    expect(namesOf(takeAll())).toEqual(expect.arrayContaining(['request-x.txt']));
  });

  test("reads an empty plain request in any case: rewriting it leaves the directory's mtime", () => {
    age();
    open();
    takeAll();
    spool.scan();
    takeAll();
    spool.finder.noticeEmpty('request.txt');
    works = 0;
    spool.scan();
    expect(works).toBeGreaterThan(0);
    expect(namesOf(takeAll())).toEqual(['request.txt']);
  });

  test('reads no name in an idle directory', () => {
    age();
    open();
    takeAll();
    spool.scan();
    takeAll();
    expect(spool.isIdle).toBe(true);
    works = 0;
    spool.scan();
    expect(works).toBe(0);
    expect(spool.hasWork).toBe(false);
  });

  test('serves queued requests before it lists again, except in its turn', () => {
    silenceInotify();
    open();
    takeAll();
    const job = admit('request-x.txt');
    files.write(named('lost'), '');
    spool.scan(undefined, false);
    expect(namesOf(takeAll())).not.toContain('request-lost.txt');
    spool.release(job);
    spool.scan(undefined, false);
    expect(namesOf(takeAll())).toContain('request-lost.txt');
  });

  test('serves waiting names before it lists again, except in its turn', () => {
    silenceInotify();
    open();
    takeAll();
    spool.notice('request-x.txt');
    files.write(named('lost'), '');
    spool.scan(undefined, false);
    expect(namesOf(takeAll())).not.toContain('request-lost.txt');
    spool.notice('request-x.txt');
    spool.scan(undefined, true);
    expect(namesOf(takeAll())).toContain('request-lost.txt');
  });

  test('reads empty requests again, whatever their number', () => {
    const all = Array.from({ length: 100 }, (_, i) => `request-${i}.txt`);
    for (const name of all) writeFileSync(files.at(name), '');
    age();
    open();
    takeAll();
    spool.scan();
    takeAll();
    for (const name of all) spool.finder.noticeEmpty(name);
    spool.scan();
    const found = new Set(namesOf(takeAll()));
    found.delete('request.txt');
    expect([...found].sort()).toEqual(all.sort());
  });

  test('forgets an empty request once it has been read again', () => {
    age();
    open();
    takeAll();
    spool.finder.noticeEmpty('request-x.txt');
    spool.scan();
    expect(namesOf(takeAll())).toContain('request-x.txt');
    spool.scan();
    expect(namesOf(takeAll())).not.toContain('request-x.txt');
  });

  test('does not list a directory in which nothing has happened', () => {
    age();
    open();
    const list = jest.spyOn(spool.directory, 'list');
    for (let round = 0; round < 5; round += 1) {
      spool.scan();
      takeAll();
    }
    // Once at the start, and once since the mtime was not known then.
    expect(list.mock.calls.length).toBeLessThanOrEqual(2);
    files.write(named('x'), '');
    utimesSync(files.path, 2000, 2000);
    spool.scan();
    expect(namesOf(takeAll())).toEqual(expect.arrayContaining(['request-x.txt']));
  });

  test('lists again as long as a change may not show in the mtime', () => {
    open();
    takeAll();
    const list = jest.spyOn(spool.directory, 'list');
    spool.scan();
    takeAll();
    spool.scan();
    takeAll();
    expect(list).toHaveBeenCalledTimes(2);
  });

  test('notices that the directory has been removed', () => {
    open();
    takeAll();
    rmSync(files.path, { recursive: true });
    expect(spool.scan()).toBe(false);
  });

  test('removes stale responses, once, and reports their number', async () => {
    files.write(PLAIN, '');
    writeFileSync(files.response(named('old')), '3\n');
    await nextTick();
    writeFileSync(files.response(named('new')), '3\n');
    const { ctimeNs } = statSync(files.response(named('new')), { bigint: true });
    open();
    takeAll();
    spool.scan(ctimeNs);
    takeAll();
    expect(staleFiles).toEqual([1]);
    expect(files.names()).toEqual(['request.txt', 'response-new.txt']);
    const removeStale = jest.spyOn(spool.directory, 'removeStale');
    spool.scan();
    takeAll();
    expect(removeStale).not.toHaveBeenCalled();
    expect(staleFiles).toEqual([1]);
  });

  test('reports no stale responses if there are none', () => {
    open();
    spool.scan(1n);
    takeAll();
    expect(staleFiles).toEqual([]);
  });
});

describe('a failed request', () => {
  test('is retried at the next scan, not before', () => {
    silenceInotify();
    files.write(named('x'), '');
    age();
    open();
    takeAll();
    spool.scan();
    takeAll();
    spool.finder.findLater();
    expect(spool.hasWork).toBe(false);
    expect(spool.isDrained).toBe(false);
    expect(takeAll()).toEqual([]);
    spool.scan();
    expect(namesOf(takeAll())).toEqual(['request.txt', 'request-x.txt']);
    expect(spool.isDrained).toBe(true);
  });

  test('is retried also if a listing was half done then', () => {
    for (let i = 0; i < 4200; i += 1) writeFileSync(files.at(`request-${i}.txt`), '');
    silenceInotify();
    open();
    let first = spool.finder.take().candidate?.name;
    while (first === undefined) first = spool.finder.take().candidate?.name;
    spool.finder.findLater();
    spool.scan();
    expect(takeAllOverScans().has(first)).toBe(true);
  });
});

describe('after closing', () => {
  test('nothing gives work, and nothing is open', () => {
    files.write(named('x'), '');
    open();
    const job = admit('request-x.txt');
    spool.close();
    spools = [];
    works = 0;
    spool.release(job);
    spool.notice('request-x.txt');
    spool.notice('request.txt');
    spool.finder.findLater();
    expect(works).toBe(0);
    expect(spool.hasWork).toBe(false);
    expect(spool.finder.take().candidate).toBeUndefined();
    expect(openBelow(root)).toEqual([]);
  });

  test('a request that was settling is not read any more', async () => {
    open({ settings: { settleMs: 5 } });
    files.write(named('x'), 'A');
    const content = spool.directory.read(named('x'));
    if (!('version' in content)) throw new Error('expected a request');
    expect(spool.settling.isSettled('request-x.txt', content.version)).toBe(false);
    expect(spool.isDrained).toBe(false);
    spool.close();
    spools = [];
    expect(spool.settling.size).toBe(0);
    works = 0;
    await idle();
    expect(works).toBe(0);
  });
});
