import { EventEmitter } from 'node:events';
import { rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Ticket } from '../../src/spool/ticket.js';
import type { Candidate } from '../../src/spool/backlog.js';
import type { VmSpool as Spool, VmSpoolOptions } from '../../src/spool/vm-spool.js';
import { FakeFs, silentWatcher, systemError } from '../support/fake-fs.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { nextTick, until } from '../support/until.js';
import { named, PLAIN, VmFiles } from '../support/vm-files.js';

const fakeFs = new FakeFs();
const { VmSpool } = await import('../../src/spool/vm-spool.js');

let root: string;
let files: VmFiles;
let works: number;
let lost: Error[];
let staleFiles: number[];
let maxQueued: number;
let spool: Spool;
let spools: Spool[];

function open(options: Partial<VmSpoolOptions> = {}): Spool {
  spool = new VmSpool({
    root,
    vm: 7,
    maxQueued: () => maxQueued,
    isCrowded: () => false,
    settleMs: () => 0,
    onWork: () => {
      works += 1;
    },
    onWatchLost: (error) => {
      lost.push(error);
    },
    onStaleRemoved: (_spool, count) => {
      staleFiles.push(count);
    },
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

/** As if the name had become a job, of a vector of so many elements. */
function admit(name: string, length = 1): Ticket {
  const ticket = { name, bytes: 8 * length } as Ticket;
  spool.admit(ticket);
  return ticket;
}

/** All names that there are to look at without waiting for anything. */
function takeAll(look: (name: string) => void = () => undefined): Candidate[] {
  const taken: Candidate[] = [];
  for (let steps = 0; spool.hasWork; steps += 1) {
    const next = spool.take().candidate;
    if (next !== undefined) {
      taken.push(next);
      look(next.name);
    }
    if (steps > 20_000) throw new Error('expected an end of the names to look at');
  }
  // What does not fit must show, too.
  expect(spool.take().candidate).toBeUndefined();
  return taken;
}

/** The same with as many sweeps as it takes. */
function takeAllOverSweeps(look?: (name: string) => void): Set<string> {
  const names = new Set<string>();
  for (let sweeps = 0; sweeps < 100; sweeps += 1) {
    for (const { name } of takeAll(look)) names.add(name);
    if (spool.isDrained) return names;
    spool.sweep();
  }
  throw new Error('expected to be through after a hundred sweeps');
}

const namesOf = (candidates: readonly Candidate[]) => candidates.map(({ name }) => name);
const idle = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Makes the directory look as if nothing had happened in it for long, as far as its mtime says. */
function age(): void {
  utimesSync(files.path, 1000, 1000);
}

/** inotify as it is where another host writes: it says nothing. */
function silenceInotify(): void {
  fakeFs.intercept(({ name, proceed }) => (name === 'watch' ? silentWatcher() : proceed()));
}

describe('what is there at the start', () => {
  test('is looked at, oldest first, and nothing else is', async () => {
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

  test('is found to the last name, also where it is more than one listing', () => {
    const all = Array.from({ length: 5000 }, (_, i) => `request-${i}.txt`);
    for (const name of all) writeFileSync(files.at(name), '');
    silenceInotify();
    open();
    // As if each were answered at once.
    const found = takeAllOverSweeps((name) => {
      rmSync(files.at(name), { force: true });
    });
    found.delete('request.txt');
    expect(found.size).toBe(all.length);
    expect(files.names()).toEqual([]);
  });

  test('is found without waiting for sweeps as long as it becomes jobs', () => {
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

  test('is work that ends, also where many names come to nothing', () => {
    const all = Array.from({ length: 1100 }, (_, i) => `request-${i}.txt`);
    for (const name of all) writeFileSync(files.at(name), '');
    silenceInotify();
    open();
    const found = new Set(namesOf(takeAll()));
    expect(spool.hasWork).toBe(false);
    for (const name of takeAllOverSweeps()) found.add(name);
    found.delete('request.txt');
    expect([...found].sort()).toEqual(all.sort());
  });

  test('is not looked at twice while it is queued', () => {
    files.write(PLAIN, '');
    files.write(named('x'), '');
    open();
    admit('request-x.txt');
    expect(namesOf(takeAll())).toEqual(['request.txt']);
  });

  test('includes what a killed mediator has to put back, without waiting for inotify', () => {
    writeFileSync(files.at('.vgpu-taken-1-2-3-x'), 'A:2:7:1:2\n');
    writeFileSync(files.at('.vgpu-answer-x'), '3');
    silenceInotify();
    open();
    expect(namesOf(takeAll())).toEqual(['request.txt']);
    expect(files.names()).toEqual(['request.txt']);
  });

  test('is recovered to the last name, also where it is more than one listing', () => {
    for (let i = 0; i < 4500; i += 1) {
      writeFileSync(files.at(i % 50 === 0 ? `.vgpu-answer-${i}` : `junk-${i}`), '');
    }
    silenceInotify();
    open();
    takeAllOverSweeps();
    expect(files.names().filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('is recovered to the last name, also where a call fails in between', () => {
    for (let i = 0; i < 600; i += 1) symlinkSync('x', files.at(`.vgpu-taken-${i}`));
    const watcher = silentWatcher();
    let looks = 0;
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name === 'watch') return watcher;
      const isOfOne = name === 'lstatSync' && String(args[0]).includes('.vgpu-taken-');
      if (isOfOne && (looks += 1) === 5) throw systemError('EMFILE');
      return proceed();
    });
    open();
    expect(() => takeAll()).toThrow('EMFILE');
    spool.noteFailure();
    spool.sweep();
    takeAllOverSweeps();
    expect(files.names()).toEqual([]);
  });

  test('is recovered once: what has such a name later is left alone', async () => {
    open();
    takeAll();
    writeFileSync(files.at('.vgpu-answer-x'), '3');
    spool.sweep();
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
  ])('tells of a request that is written $how', async ({ act, name }) => {
    open();
    takeAll();
    works = 0;
    act();
    await until('it is noticed', () => works > 0);
    expect(spool.hasWork).toBe(true);
    expect(spool.isDrained).toBe(false);
    expect(takeAll()).toEqual([{ name, deferred: false }]);
  });

  test('tells of a queued request that is removed, for which there is always room', async () => {
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

  test('that cannot be had is reported; every sweep lists the directory then', () => {
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
      spool.sweep();
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

  test('is given up for a VM that causes too many events, for ever more sweeps', () => {
    const watches: (EventEmitter & { isClosed?: boolean })[] = [];
    let report: (event: string, name: string) => void = () => undefined;
    fakeFs.intercept(({ name, args, proceed }) => {
      if (name !== 'watch') return proceed();
      report = args.at(-1) as typeof report;
      const watcher = new EventEmitter() as (typeof watches)[number];
      watches.push(watcher);
      return Object.assign(watcher, { close: () => (watcher.isClosed = true) });
    });
    let muted = 0;
    open({ onMuted: () => (muted += 1) });
    takeAll();
    const flood = (events: number) => {
      for (let i = 0; i < events; i += 1) report('change', 'junk');
    };
    const sweepsUntilWatched = () => {
      const before = watches.length;
      for (let sweeps = 1; sweeps < 100; sweeps += 1) {
        spool.sweep();
        if (watches.length > before) return sweeps;
      }
      return Infinity;
    };
    // As many as the kernel keeps while the mediator stands still.
    flood(16_384);
    expect(watches[0]?.isClosed).toBeUndefined();
    // Requests that are served make up for their events, and so does a sweep.
    for (let i = 0; i < 100; i += 1) spool.release(admit(`request-${i}.txt`));
    flood(6400);
    spool.sweep();
    takeAll();
    flood(2048);
    expect(muted).toBe(0);
    flood(1);
    expect([muted, watches[0]?.isClosed]).toEqual([1, true]);
    // The names among those events may have been lost.
    expect(spool.hasWork).toBe(true);
    // Nothing is missed meanwhile.
    files.write(named('x'), '');
    expect(namesOf(takeAll())).toContain('request-x.txt');

    expect(sweepsUntilWatched()).toBe(1);
    flood(2049);
    expect(sweepsUntilWatched()).toBe(2);
    flood(2049);
    expect(sweepsUntilWatched()).toBe(4);
    for (let sweeps = 0; sweeps < 10; sweeps += 1) spool.sweep();
    flood(16_385);
    expect(sweepsUntilWatched()).toBe(1);
  });

  test('says nothing any more after closing', async () => {
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

describe('the limit of what is queued', () => {
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
    const candidate = spool.take().candidate;
    return candidate && { ...candidate, job: admit(candidate.name) };
  };

  test('leaves the rest on disk, held back, until jobs leave', () => {
    const jobs = [takeAndAdmit()?.job, takeAndAdmit()?.job];
    expect(spool.take().candidate).toBeUndefined();
    expect(spool.hasWork).toBe(false);
    expect(spool.isDrained).toBe(false);
    works = 0;
    for (const job of jobs) if (job) spool.release(job);
    expect(works).toBe(2);
    expect(spool.hasWork).toBe(true);
    expect(spool.take().candidate).toEqual({ name: 'request-3.txt', deferred: true });
  });

  test('holds back all that waited, and nothing that comes after it', () => {
    const jobs = [takeAndAdmit()?.job, takeAndAdmit()?.job];
    expect(spool.take().candidate).toBeUndefined();
    for (const job of jobs) if (job) spool.release(job);
    expect(takeAll()).toEqual([
      { name: 'request-3.txt', deferred: true },
      { name: 'request-4.txt', deferred: true },
    ]);
    spool.notice('request-5.txt');
    expect(spool.take().candidate).toEqual({ name: 'request-5.txt', deferred: false });
  });

  test('holds back also where nobody asked for more than there was room for', () => {
    const jobs = [takeAndAdmit()?.job, takeAndAdmit()?.job];
    // No call of take() that finds no room: the turn ended exactly at the limit.
    for (const job of jobs) if (job) spool.release(job);
    expect(spool.take().candidate).toEqual({ name: 'request-3.txt', deferred: true });
  });

  test('holds back what arrives while there is no room', () => {
    const jobs = namesOf(takeAll()).map(admit);
    spool.notice('request-5.txt');
    expect(spool.hasWork).toBe(false);
    for (const job of jobs) spool.release(job);
    expect(spool.take().candidate).toEqual({ name: 'request-5.txt', deferred: true });
  });

  test('holds nothing back for what has happened to queued requests', () => {
    const jobs = namesOf(takeAll()).map(admit);
    takeAll();
    spool.notice('request-1.txt');
    expect(spool.take().candidate).toEqual({ name: 'request-1.txt', deferred: false });
    for (const job of jobs) spool.release(job);
    spool.notice('request-5.txt');
    expect(spool.take().candidate).toEqual({ name: 'request-5.txt', deferred: false });
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
    expect(spool.tickets.get(first.name)).toBe(second);
  });
});

describe('a VM that is over its limit', () => {
  const fill = (ids: number) => {
    for (let id = 0; id < ids; id += 1) files.write(named(String(id)), '');
    silenceInotify();
    open();
  };
  /** Everything there is room for, and what it was. */
  const admitAll = (length?: number) => {
    const candidates: (Candidate & { readonly job: Ticket })[] = [];
    while (spool.hasWork) {
      const next = spool.take().candidate;
      if (next) candidates.push({ ...next, job: admit(next.name, length) });
    }
    return candidates;
  };

  test('or one in a crowd has an eighth of it queued, and the rest when that is over', () => {
    let isCrowded = true;
    maxQueued = 64;
    open({ isCrowded: () => isCrowded });
    takeAll();
    for (let id = 0; id < 20; id += 1) spool.notice(`request-${id}.txt`);
    expect(admitAll()).toHaveLength(8);
    isCrowded = false;
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

  test('and was muted is held back no longer once its watch is back', () => {
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
    const serve = (served: Iterable<Ticket>) => {
      for (const job of served) {
        unlinkSync(files.at(job.name));
        spool.release(job);
      }
    };
    serve(jobs);
    expect(admitAll().map(({ deferred }) => deferred)).toEqual([true]);
    serve(spool.tickets.values());
    spool.notice('request-4.txt');
    expect(spool.take().candidate).toEqual({ name: 'request-4.txt', deferred: true });
    age();
    for (let sweeps = 0; sweeps < 3; sweeps += 1) {
      spool.sweep();
      takeAll();
    }
    spool.notice('request-5.txt');
    expect(spool.take().candidate).toEqual({ name: 'request-5.txt', deferred: false });
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
        const next = spool.take().candidate;
        if (next === undefined) break;
        queued.push(admit(next.name));
      }
    }
  });

  test('does not wait for a sweep where a listing has found little', () => {
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

describe('names beyond what is remembered', () => {
  test('are found again on disk', () => {
    silenceInotify();
    open();
    takeAll();
    const all = Array.from({ length: 1500 }, (_, i) => `request-${i}.txt`);
    for (const name of all) {
      writeFileSync(files.at(name), '');
      spool.notice(name);
    }
    const found = takeAllOverSweeps((name) => {
      rmSync(files.at(name), { force: true });
    });
    found.delete('request.txt');
    expect(found.size).toBe(all.length);
  });

  test('are bounded where nothing but other names is listed: the rest waits for a sweep', () => {
    for (let i = 0; i < 4200; i += 1) writeFileSync(files.at(`junk-${i}`), '');
    silenceInotify();
    open();
    const list = jest.spyOn(spool.directory, 'list');
    expect(takeAll()).toEqual([]);
    expect(list).toHaveBeenCalledTimes(4096 / 256);
    expect(spool.hasWork).toBe(false);
    expect(spool.isDrained).toBe(false);
    age();
    takeAllOverSweeps();
    expect(spool.isDrained).toBe(true);
  });

  test('are bounded also where requests that come to nothing are among them', () => {
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

describe('a sweep', () => {
  beforeEach(() => {
    silenceInotify();
  });

  test('finds what inotify has not told', () => {
    open();
    takeAll();
    files.write(named('x'), '');
    expect(spool.sweep()).toBe(true);
    expect(namesOf(takeAll())).toEqual(expect.arrayContaining(['request-x.txt']));
  });

  test("looks at an empty plain request in any case: rewriting it leaves the directory's mtime", () => {
    age();
    open();
    takeAll();
    spool.sweep();
    takeAll();
    spool.noticeEmpty('request.txt');
    works = 0;
    spool.sweep();
    expect(works).toBeGreaterThan(0);
    expect(namesOf(takeAll())).toEqual(['request.txt']);
  });

  test('looks at no name in a directory that is quiet', () => {
    age();
    open();
    takeAll();
    spool.sweep();
    takeAll();
    expect(spool.isQuiet).toBe(true);
    works = 0;
    spool.sweep();
    expect(works).toBe(0);
    expect(spool.hasWork).toBe(false);
  });

  test('serves what is queued before it lists again, but for its turn', () => {
    silenceInotify();
    open();
    takeAll();
    const job = admit('request-x.txt');
    files.write(named('lost'), '');
    spool.sweep(undefined, false);
    expect(namesOf(takeAll())).not.toContain('request-lost.txt');
    spool.release(job);
    spool.sweep(undefined, false);
    expect(namesOf(takeAll())).toContain('request-lost.txt');
  });

  test('serves the names that wait before it lists again, but for its turn', () => {
    silenceInotify();
    open();
    takeAll();
    spool.notice('request-x.txt');
    files.write(named('lost'), '');
    spool.sweep(undefined, false);
    expect(namesOf(takeAll())).not.toContain('request-lost.txt');
    spool.notice('request-x.txt');
    spool.sweep(undefined, true);
    expect(namesOf(takeAll())).toContain('request-lost.txt');
  });

  test('looks at requests again that were empty, however many there are', () => {
    const all = Array.from({ length: 100 }, (_, i) => `request-${i}.txt`);
    for (const name of all) writeFileSync(files.at(name), '');
    age();
    open();
    takeAll();
    spool.sweep();
    takeAll();
    for (const name of all) spool.noticeEmpty(name);
    spool.sweep();
    const found = new Set(namesOf(takeAll()));
    found.delete('request.txt');
    expect([...found].sort()).toEqual(all.sort());
  });

  test('forgets a request that was empty once it has been looked at again', () => {
    age();
    open();
    takeAll();
    spool.noticeEmpty('request-x.txt');
    spool.sweep();
    expect(namesOf(takeAll())).toContain('request-x.txt');
    spool.sweep();
    expect(namesOf(takeAll())).not.toContain('request-x.txt');
  });

  test('does not list a directory in which nothing has happened', () => {
    age();
    open();
    const list = jest.spyOn(spool.directory, 'list');
    for (let round = 0; round < 5; round += 1) {
      spool.sweep();
      takeAll();
    }
    // Once at the start, and once since the mtime was not known then.
    expect(list.mock.calls.length).toBeLessThanOrEqual(2);
    files.write(named('x'), '');
    utimesSync(files.path, 2000, 2000);
    spool.sweep();
    expect(namesOf(takeAll())).toEqual(expect.arrayContaining(['request-x.txt']));
  });

  test('lists again as long as a change may not show in the mtime', () => {
    open();
    takeAll();
    const list = jest.spyOn(spool.directory, 'list');
    spool.sweep();
    takeAll();
    spool.sweep();
    takeAll();
    expect(list).toHaveBeenCalledTimes(2);
  });

  test('notices that the directory has been removed', () => {
    open();
    takeAll();
    rmSync(files.path, { recursive: true });
    expect(spool.sweep()).toBe(false);
  });

  test('removes stale answers, once, and says how many', async () => {
    files.write(PLAIN, '');
    writeFileSync(files.response(named('old')), '3\n');
    await nextTick();
    writeFileSync(files.response(named('new')), '3\n');
    const { ctimeNs } = statSync(files.response(named('new')), { bigint: true });
    open();
    takeAll();
    spool.sweep(ctimeNs);
    takeAll();
    expect(staleFiles).toEqual([1]);
    expect(files.names()).toEqual(['request.txt', 'response-new.txt']);
    const removeStale = jest.spyOn(spool.directory, 'removeStale');
    spool.sweep();
    takeAll();
    expect(removeStale).not.toHaveBeenCalled();
    expect(staleFiles).toEqual([1]);
  });

  test('says nothing of stale answers where there are none', () => {
    open();
    spool.sweep(1n);
    takeAll();
    expect(staleFiles).toEqual([]);
  });
});

describe('what could not be done', () => {
  test('is tried again at the next sweep, not before', () => {
    silenceInotify();
    files.write(named('x'), '');
    age();
    open();
    takeAll();
    spool.sweep();
    takeAll();
    spool.lookAgainLater();
    expect(spool.hasWork).toBe(false);
    expect(spool.isDrained).toBe(false);
    expect(takeAll()).toEqual([]);
    spool.sweep();
    expect(namesOf(takeAll())).toEqual(['request.txt', 'request-x.txt']);
    expect(spool.isDrained).toBe(true);
  });

  test('is tried again also if a listing was half done then', () => {
    for (let i = 0; i < 4200; i += 1) writeFileSync(files.at(`request-${i}.txt`), '');
    silenceInotify();
    open();
    let first = spool.take().candidate?.name;
    while (first === undefined) first = spool.take().candidate?.name;
    spool.lookAgainLater();
    spool.sweep();
    expect(takeAllOverSweeps().has(first)).toBe(true);
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
    spool.lookAgainLater();
    expect(works).toBe(0);
    expect(spool.hasWork).toBe(false);
    expect(spool.take().candidate).toBeUndefined();
    expect(openBelow(root)).toEqual([]);
  });

  test('a request that was settling is not looked at any more', async () => {
    open({ settleMs: () => 5 });
    files.write(named('x'), 'A');
    const sight = spool.directory.look(named('x'));
    if (!('file' in sight)) throw new Error('expected a request');
    expect(spool.settling.isSettled('request-x.txt', sight.file)).toBe(false);
    expect(spool.isDrained).toBe(false);
    spool.close();
    spools = [];
    expect(spool.settling.size).toBe(0);
    works = 0;
    await idle();
    expect(works).toBe(0);
  });
});
