import {
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeAnswer, encodeRequest, INT32_MAX, INT32_MIN, type Slot } from '@vgpu/protocol';
import fc from 'fast-check';
import { Admission } from '../../src/intake/admission.js';
import { Intake } from '../../src/intake/intake.js';
import type { Job } from '../../src/scheduling/job.js';
import type { RequestFile } from '../../src/spool/request-file.js';
import { SpoolEvents } from '../../src/spool/share.js';
import type { Registration } from '../../src/state/registry.js';
import type { FinishedRequest } from '../../src/telemetry/finished-request.js';
import type { VmSpool as Spool } from '../../src/spool/vm-spool.js';
import type { RateLimit } from '../../src/intake/token-bucket.js';
import { FakeFs, systemError, type FsCall } from '../support/fake-fs.js';
import { NON_EMPTY_DIRECTORY, REMOVABLE } from '../support/hostile.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';
import { nextTick, until } from '../support/until.js';
import { named, PLAIN, VmFiles } from '../support/vm-files.js';

const fakeFs = new FakeFs();
const { VmSpool } = await import('../../src/spool/vm-spool.js');

const X = named('x');
const LINE = 'A:2:7:100:200\n';

let root: string;
let secret: string;
let files: VmFiles;
let spool: Spool;
let intake: Intake;
let failures: { readonly request: string; readonly error: string }[];
let cleared: string[];
let settleMs: number;
let maxQueued: number;
let voided: Job[];
let isQueued: boolean;
let registrations: Map<number, Registration>;
let isRegistrationRequired: boolean;
let rateLimit: RateLimit | undefined;
let rejected: FinishedRequest[];

beforeEach(() => {
  const base = temporaryDirectory();
  root = join(base, 'root');
  secret = join(base, 'secret.txt');
  writeFileSync(secret, 'A:2:7:1:1\n');
  files = new VmFiles(root, 7);
  settleMs = 0;
  maxQueued = 64;
  [voided, isQueued, rejected, failures, cleared] = [[], true, [], [], []];
  registrations = new Map();
  [isRegistrationRequired, rateLimit] = [false, undefined];
  intake = newIntake();
  spool = newSpool();
});

afterEach(() => {
  fakeFs.restore();
  spool.close();
  expect(openBelow(root)).toEqual([]);
});

function newSpool(): Spool {
  const events = new SpoolEvents();
  events.on('requestFailed', (share, request, error) => {
    failures.push({ request, error: share.explain(error).error });
  });
  events.on('requestCleared', (_spool, request) => cleared.push(request));
  return new VmSpool({
    root,
    vm: 7,
    limits: { maxQueued: () => maxQueued },
    queue: { isOverloaded: false },
    settings: {
      get settleMs() {
        return settleMs;
      },
    },
    events,
  });
}

/** As a mediator that is started again. */
function reopen(): void {
  spool.close();
  spool = newSpool();
}

function newIntake(): Intake {
  return new Intake({
    admission: new Admission({
      registry: registrations,
      settings: {
        maxQueuedPerVm: 64,
        get requireRegistration() {
          return isRegistrationRequired;
        },
        get rateLimit() {
          return rateLimit;
        },
      },
    }),
    completion: {
      withdraw: (job) => {
        voided.push(job);
        if (isQueued) job.ticket.withdraw();
        return isQueued;
      },
      reject: (request) => {
        rejected.push(request);
      },
    },
  });
}

const nameOf = (slot: Slot) => (slot.kind === 'plain' ? 'request.txt' : `request-${slot.id}.txt`);

const labelOf = (slot: Slot) => (slot.kind === 'plain' ? '.' : slot.id);

function consider(slot: Slot, deferred = false): Job | undefined {
  const step = spool.read({ name: nameOf(slot), deferred });
  const { job } = intake.consider(step);
  // The file in the place of a withdrawn request is read next.
  if (step.superseded === undefined || !isQueued) return job;
  return intake.consider(spool.next()).job;
}

/** The ticket of the request that is admitted from a slot. */
function ticketOf(slot: Slot): RequestFile | undefined {
  const file = [...spool.admitted].find(({ name }) => name === nameOf(slot));
  return file as RequestFile | undefined;
}

/** Takes all steps that are due; returns the names of the arrivals. */
function takeAll(): string[] {
  const names: string[] = [];
  while (spool.hasWork) {
    const { arrival } = spool.next();
    if (arrival !== undefined) names.push(arrival.ticket.name);
  }
  return names;
}

const slots = [
  { title: 'the plain slot', slot: PLAIN },
  { title: 'a named slot', slot: X },
];

describe.each(slots)('a well-formed request in $title', ({ slot }) => {
  test('becomes a job with its content', () => {
    files.write(slot, 'B:0:7:1,2:-1,-2\n');
    const job = consider(slot);
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(files.request(slot), { bigint: true });
    expect(job).toMatchObject({
      slot: labelOf(slot),
      ticket: { requests: spool, slot: labelOf(slot), name: nameOf(slot), bytes: 16 },
      ...{ pool: 'B', priority: 0, vm: 7 },
      arrivalNs: ctimeNs,
    });
    expect(ticketOf(slot)?.version).toEqual({ dev, ino, size, mtimeNs, ctimeNs });
    expect([...(job?.call.a ?? [])]).toEqual([1, 2]);
    expect([...(job?.call.b ?? [])]).toEqual([-1, -2]);
    expect(job?.admittedMs).toBeLessThanOrEqual(performance.now());
    expect(ticketOf(slot)).toBe(job?.ticket);
    expect(files.hasRequest(slot)).toBe(true);
    expect(rejected).toEqual([]);
  });

  test('arrives when it is admitted if it was deferred', async () => {
    files.write(slot, LINE);
    await nextTick();
    const beforeNs = BigInt(Date.now()) * 1_000_000n;
    const job = consider(slot, true);
    expect(job?.arrivalNs).toBeGreaterThanOrEqual(beforeNs);
  });

  test('is not admitted a second time while it is queued', () => {
    files.write(slot, LINE);
    const job = consider(slot);
    expect(consider(slot)).toBeUndefined();
    expect(voided).toEqual([]);
    expect(ticketOf(slot)).toBe(job?.ticket);
  });

  test('makes the queued one void if it is another', async () => {
    files.write(slot, LINE);
    const old = consider(slot);
    await nextTick();
    files.write(slot, 'A:2:7:100:201\n');
    const job = consider(slot);
    expect(voided).toEqual([old]);
    expect([...(job?.call.b ?? [])]).toEqual([201]);
    expect(ticketOf(slot)).toBe(job?.ticket);
  });

  test('keeps the place of a queued one that it replaces, though others wait', async () => {
    files.write(slot, LINE);
    consider(slot);
    maxQueued = 1;
    for (const id of ['1', '2', '3']) {
      files.write(named(id), LINE);
      spool.notice(nameOf(named(id)));
    }
    await nextTick();
    files.write(slot, 'A:2:7:100:201\n');
    spool.notice(nameOf(slot));
    const jobs: Job[] = [];
    while (spool.hasWork) {
      const { job } = intake.consider(spool.next());
      if (job !== undefined) jobs.push(job);
    }
    expect(jobs.map(({ ticket }) => ticket.name)).toEqual([nameOf(slot)]);
    expect(jobs[0]?.arrivalNs).toBe(statSync(files.request(slot), { bigint: true }).ctimeNs);
  });

  test('waits if the one before it is on the device', async () => {
    files.write(slot, LINE);
    const old = consider(slot);
    await nextTick();
    files.write(slot, 'A:2:7:100:201\n');
    isQueued = false;
    expect(consider(slot)).toBeUndefined();
    expect(ticketOf(slot)).toBe(old?.ticket);
  });

  test('that was removed makes the queued one void', () => {
    files.write(slot, LINE);
    const job = consider(slot);
    unlinkSync(files.request(slot));
    expect(consider(slot)).toBeUndefined();
    expect(voided).toEqual([job]);
    expect(spool.admittedCount).toBe(0);
    expect(files.responseText(slot)).toBe('');
  });
});

describe('a response that no client has read', () => {
  test('is emptied when a plain request is admitted', () => {
    writeFileSync(files.response(PLAIN), '3\n');
    files.write(PLAIN, LINE);
    expect(consider(PLAIN)).toBeDefined();
    expect(files.names()).toEqual(['request.txt', 'response.txt']);
    expect(files.responseText(PLAIN)).toBe('');
  });

  test('stays when a named request is admitted, and while a plain one is half written', () => {
    settleMs = 1e6;
    writeFileSync(files.response(PLAIN), '3\n');
    files.write(X, LINE);
    files.write(PLAIN, 'A:2:7:100:2');
    expect(consider(X)).toBeDefined();
    expect(consider(PLAIN)).toBeUndefined();
    expect(files.responseText(PLAIN)).toBe('3\n');
  });

  test('that cannot be emptied makes the request undeliverable, which is counted', () => {
    NON_EMPTY_DIRECTORY.put(files.response(PLAIN), secret);
    files.write(PLAIN, LINE);
    expect(consider(PLAIN)).toBeUndefined();
    expect(files.names()).toEqual(['response.txt']);
    expect(failures).toHaveLength(1);
    expect(rejected).toEqual([{ vm: 7, slot: '.', outcome: 'UNDELIVERABLE' }]);
  });
});

describe('half-written requests', () => {
  test('are not taken for complete', async () => {
    settleMs = 30;
    files.write(X, 'A:2:7:100:2');
    const sinceMs = performance.now();
    expect(consider(X)).toBeUndefined();
    await nextTick();
    writeFileSync(files.request(X), '00', { flag: 'a' });
    let job: Job | undefined;
    await until('it has settled', () => (job = consider(X)) !== undefined);
    expect([...(job?.call.b ?? [])]).toEqual([200]);
    expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(settleMs);
    expect(spool.settling.size).toBe(0);
  });

  test('are complete at once with the newline', () => {
    settleMs = 1e6;
    files.write(X, 'A:2:7:100:2');
    expect(consider(X)).toBeUndefined();
    expect(spool.settling.size).toBe(1);
    writeFileSync(files.request(X), '00\n', { flag: 'a' });
    expect(consider(X)).toMatchObject({ vm: 7 });
    expect(spool.settling.size).toBe(0);
  });

  test.each([
    ['whose end came first', '\0'.repeat(5) + ':100:200\n'],
    ['that lack a part', 'A:2:7:\0\0\0:200\n'],
    ['that were given their size before their content', '\0'.repeat(LINE.length)],
    ['that were given more room than they need', `${LINE}${'\0'.repeat(4096 - LINE.length)}`],
    ['that were given more room than a line may need', `${LINE}${'\0'.repeat(70_000)}`],
    ['of which a newline came too early', '\n\0\0\0'],
  ])('%s are not taken for complete, nor refused', (_how, text) => {
    settleMs = 1e6;
    for (const slot of [PLAIN, X]) {
      files.write(slot, text);
      expect(consider(slot)).toBeUndefined();
      expect(rejected).toEqual([]);
      files.write(slot, LINE);
      expect(consider(slot)).toMatchObject({ vm: 7 });
    }
    expect(spool.settling.size).toBe(0);
  });

  test('that stay without a part are refused', async () => {
    settleMs = 20;
    files.write(X, 'A:2:7:\0:200\n');
    await until('it has settled', () => {
      consider(X);
      return rejected.length > 0;
    });
    expect(decodeAnswer(files.responseText(X))).toMatchObject({ code: 'BAD_REQUEST' });
  });

  test.each(['absent', 'empty'])('that are %s then are forgotten', (what) => {
    settleMs = 1e6;
    files.write(X, 'A:2:7');
    consider(X);
    rmSync(files.request(X));
    if (what === 'empty') files.write(X, '');
    expect(consider(X)).toBeUndefined();
    expect(spool.settling.size).toBe(0);
    expect(files.responseText(X)).toBe('');
    expect(rejected).toEqual([]);
  });

  test('may end with a carriage return before the newline', () => {
    settleMs = 1e6;
    files.write(X, 'A:2:7:100:200\r\n');
    expect(consider(X)).toBeDefined();
  });

  test('beyond those that can be observed are read again by the scan', () => {
    settleMs = 1e6;
    takeAll();
    expect(spool.isDrained).toBe(true);
    for (let i = 0; i < 100; i += 1) {
      files.write(named(`${i}`), 'A:2:7');
      consider(named(`${i}`));
    }
    expect(spool.settling.size).toBe(64);
    spool.settling.close();
    expect(spool.isDrained).toBe(false);
  });
});

describe('a plain request that is refused', () => {
  const WRONG = 'A:2:8:100:200\n';
  const isResponse = ({ name, args }: FsCall) =>
    name === 'renameSync' && String(args[1]).endsWith('/response.txt');

  /** As a kernel does that stamps files with a tick: a later write in the same tick has the same time. */
  function writeInTheSameTick(text: string, { mtime, atime }: { mtime: Date; atime: Date }) {
    files.write(PLAIN, text);
    utimesSync(files.request(PLAIN), atime, mtime);
  }

  test.each([
    ['its line', () => undefined, WRONG],
    ['its length', () => undefined, 'x'.repeat(70_000)],
    ['its VM', () => (isRegistrationRequired = true), LINE],
    ['the rate limit', () => (rateLimit = { perSecond: 1e-9, burst: 0 }), LINE],
  ])(
    'for %s is not taken for the next one, as long and of the same tick',
    (_why, prepare, text) => {
      prepare();
      files.write(PLAIN, text);
      const stats = statSync(files.request(PLAIN));
      const next = LINE.trimEnd().padEnd(text.length - 1, '0') + '\n';
      fakeFs.after(isResponse, () => {
        writeInTheSameTick(next, stats);
      });
      consider(PLAIN);
      expect(rejected).toHaveLength(1);
      expect(readFileSync(files.request(PLAIN), 'latin1')).toBe(next);
      expect(files.heldNames()).toEqual([]);
    },
  );

  test.each([...REMOVABLE])('because it is $name leaves the next one alone', (thing) => {
    thing.put(files.request(PLAIN), secret);
    fakeFs.after(isResponse, () => {
      rmSync(files.request(PLAIN), { recursive: true });
      files.write(PLAIN, LINE);
    });
    consider(PLAIN);
    expect(rejected).toHaveLength(1);
    expect(consider(PLAIN)).toMatchObject({ vm: 7 });
  });
});

describe.each(slots)('a rejection in $title', ({ slot }) => {
  const expectRejected = (code: string, text?: string) => {
    const error: unknown = text ?? expect.stringMatching(/^[\x20-\x7e]{10,200}$/);
    expect(decodeAnswer(files.responseText(slot))).toEqual({ code, text: error });
    expect(files.hasRequest(slot)).toBe(false);
    expect(files.names()).toHaveLength(1);
    expect(rejected).toEqual([{ vm: 7, slot: labelOf(slot), outcome: code, error }]);
    expect(spool.admittedCount).toBe(0);
  };

  test.each([
    ['hello\n', 'BAD_REQUEST'],
    ['\n', 'BAD_REQUEST'],
    ['C:2:7:1:2\n', 'BAD_REQUEST'],
    ['A:3:7:1:2\n', 'BAD_REQUEST'],
    ['A:2:07:1:2\n', 'BAD_REQUEST'],
    ['A:2:7:1:\n', 'BAD_REQUEST'],
    ['A:2:7:1:2:3\n', 'BAD_REQUEST'],
    ['A:2:7:1:2\nA:2:7:1:2\n', 'BAD_REQUEST'],
    ['\u00ef\u00bb\u00bfA:2:7:1:2\n', 'BAD_REQUEST'],
    [`A:2:7:${INT32_MAX + 1}:2\n`, 'OUT_OF_RANGE'],
    [`A:2:7:1:${INT32_MIN - 1}\n`, 'OUT_OF_RANGE'],
    ['A:2:7:1,2:3\n', 'LENGTH_MISMATCH'],
  ])('of %j is %s', (line, code) => {
    writeFileSync(files.request(slot), line, 'latin1');
    expect(consider(slot)).toBeUndefined();
    expectRejected(code);
  });

  test('of another VM says which was expected', () => {
    files.write(slot, 'A:2:8:1:2\n');
    consider(slot);
    expectRejected('VM_MISMATCH', 'vm: expected 7, got 8');
  });

  test('of a line that is too long says how long it was, once it has settled', async () => {
    settleMs = 20;
    // A writer may give a file more room than its line needs, and cut it when it is done.
    files.write(slot, '\0'.repeat(70_000));
    expect(consider(slot)).toBeUndefined();
    files.write(slot, 'x'.repeat(70_000));
    await until('it has settled', () => {
      consider(slot);
      return rejected.length > 0;
    });
    expectRejected('TOO_LARGE', 'request: expected at most 65536 bytes, got 70000');
  });

  test.each([...REMOVABLE])('of $name names it, once it has settled', async (thing) => {
    settleMs = 20;
    thing.put(files.request(slot), secret);
    expect(consider(slot)).toBeUndefined();
    expect(rejected).toEqual([]);
    await until('it has settled', () => {
      consider(slot);
      return rejected.length > 0;
    });
    expectRejected('BAD_REQUEST', `request: expected a regular file, got ${thing.what}`);
  });

  test('replaces a response that no client has read', () => {
    writeFileSync(files.response(slot), '3\n');
    files.write(slot, 'hello\n');
    consider(slot);
    expectRejected('BAD_REQUEST');
  });

  test('that has no place is counted, and its request goes', () => {
    NON_EMPTY_DIRECTORY.put(files.response(slot), secret);
    files.write(slot, 'hello\n');
    expect(consider(slot)).toBeUndefined();
    expect(files.names()).toHaveLength(1);
    expect(rejected).toEqual([{ vm: 7, slot: labelOf(slot), outcome: 'UNDELIVERABLE' }]);
  });

  test('is not given to a request that changed meanwhile', () => {
    files.write(slot, 'hello\n');
    fakeFs.after(
      ({ name }) => name === 'readSync',
      () => {
        files.write(slot, `${LINE.trimEnd()}0\n`);
      },
    );
    expect(consider(slot)).toBeUndefined();
    expect(files.responseText(slot)).toBe('');
    expect(rejected).toEqual([]);
    expect(consider(slot)).toBeDefined();
  });
});

describe('a directory with content in the place of a request', () => {
  beforeEach(() => {
    NON_EMPTY_DIRECTORY.put(files.request(X), secret);
    consider(X);
  });

  test('gets one response', () => {
    expect(decodeAnswer(files.responseText(X))).toMatchObject({ code: 'BAD_REQUEST' });
    rmSync(files.response(X));
    expect(consider(X)).toBeUndefined();
    expect(files.names()).toEqual(['request-x.txt']);
    expect(rejected).toHaveLength(1);
  });

  test('gets no second response from the next mediator while the first is there', async () => {
    NON_EMPTY_DIRECTORY.put(files.request(PLAIN), secret);
    await nextTick();
    consider(PLAIN);
    const names = files.names();
    rejected = [];
    await nextTick();
    reopen();
    expect(consider(PLAIN)).toBeUndefined();
    expect(rejected).toEqual([]);
    expect(files.names()).toEqual(names);
  });

  test('is counted once also if its response is undeliverable', () => {
    const y = named('y');
    NON_EMPTY_DIRECTORY.put(files.request(y), secret);
    NON_EMPTY_DIRECTORY.put(files.response(y), secret);
    rejected = [];
    for (let reads = 0; reads < 5; reads += 1) expect(consider(y)).toBeUndefined();
    expect(rejected).toHaveLength(1);
    expect(failures).toHaveLength(1);
  });

  test('makes room for a request', () => {
    rmSync(files.request(X), { recursive: true });
    files.write(X, LINE);
    expect(consider(X)).toBeDefined();
  });

  test('gets another response if it is another directory', () => {
    // Created while the first exists, so that its inode is another one.
    NON_EMPTY_DIRECTORY.put(files.at('other'), secret);
    rmSync(files.request(X), { recursive: true });
    renameSync(files.at('other'), files.request(X));
    consider(X);
    expect(rejected).toHaveLength(2);
  });

  test('is forgotten when there are too many, not the newest', () => {
    for (let i = 0; i < 80; i += 1) {
      NON_EMPTY_DIRECTORY.put(files.request(named(`${i}`)), secret);
      consider(named(`${i}`));
    }
    expect(rejected).toHaveLength(81);
    consider(named('79'));
    consider(named('30'));
    expect(rejected).toHaveLength(81);
  });
});

describe('a request that had its response before a crash', () => {
  test.each(slots)('is cleared, and gets no second response, in $title', async ({ slot }) => {
    files.write(slot, LINE);
    // The state after a kill between the response and the clearing.
    const file = slot === PLAIN ? spool.directory.markPlain(LINE) : undefined;
    await nextTick();
    writeFileSync(files.response(slot), '300\n');
    const seconds = Number(file?.ctimeNs) / 1e9;
    if (file !== undefined) utimesSync(files.response(slot), seconds, seconds);
    await nextTick();
    reopen();
    expect(consider(slot)).toBeUndefined();
    expect(files.hasRequest(slot)).toBe(false);
    expect(files.responseText(slot)).toBe('300\n');
    expect(cleared).toEqual([nameOf(slot)]);
  });

  test.each(slots)('is served if it came after the response, in $title', async ({ slot }) => {
    writeFileSync(files.response(slot), '300\n');
    await nextTick();
    files.write(slot, LINE);
    await nextTick();
    reopen();
    expect(consider(slot)).toBeDefined();
  });

  test.each(slots)('is served if its response is empty, in $title', async ({ slot }) => {
    files.write(slot, LINE);
    await nextTick();
    writeFileSync(files.response(slot), '');
    await nextTick();
    reopen();
    expect(consider(slot)).toBeDefined();
  });

  test('cannot be one that came after the start', async () => {
    await nextTick();
    reopen();
    await nextTick();
    files.write(X, LINE);
    await nextTick();
    writeFileSync(files.response(X), '300\n');
    expect(consider(X)).toBeDefined();
  });
});

describe('an error of one request', () => {
  test.each(['EIO', 'ESTALE', 'EMFILE', 'ENOSPC'])(
    '(%s) is logged, and the request retried at the next scan',
    (code) => {
      takeAll();
      files.write(X, 'hello\n');
      fakeFs.intercept(({ name, proceed }) => {
        if (name === 'openSync') throw systemError(code);
        return proceed();
      });
      expect(consider(X)).toBeUndefined();
      fakeFs.restore();
      expect(failures).toEqual([
        { request: 'request-x.txt', error: expect.stringContaining(code) },
      ]);
      // A failed request is not waited for, but counted and retried.
      expect(spool.isDrained).toBe(true);
      expect(spool.hasFailed).toBe(true);
      spool.scan();
      expect(spool.hasFailed).toBe(false);
      expect(takeAll()).toContain('request-x.txt');
    },
  );

  test('that is a defect is not hidden', () => {
    files.write(X, LINE);
    fakeFs.intercept(() => {
      throw new TypeError('a defect');
    });
    expect(() => consider(X)).toThrow('a defect');
  });
});

test('names that are no slots are ignored', () => {
  for (const name of [
    'request-.txt',
    'response.txt',
    '../vm8/request.txt',
    'request-x.txt\n',
    '',
  ]) {
    expect(spool.read({ name, deferred: false }).arrival).toBeUndefined();
  }
  expect(files.names()).toEqual([]);
});

test('property: any bytes lead to a job or a response, and never to both', () => {
  const int32 = fc.integer({ min: INT32_MIN, max: INT32_MAX });
  const valid = fc.array(fc.tuple(int32, int32), { minLength: 1, maxLength: 20 }).map((pairs) =>
    encodeRequest({
      pool: 'A',
      priority: 1,
      vm: 7,
      a: Int32Array.from(pairs, ([a]) => a),
      b: Int32Array.from(pairs, ([, b]) => b),
    }),
  );
  const mutated = fc
    .tuple(valid, fc.nat(), fc.integer({ min: 0, max: 255 }))
    .map(([line, at, byte]) => {
      const bytes = Buffer.from(line, 'latin1');
      bytes[at % bytes.length] = byte;
      return bytes;
    });
  const anyBytes = fc.oneof(
    valid.map((line) => Buffer.from(line, 'latin1')),
    mutated,
    fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  let served = 0;
  fc.assert(
    fc.property(anyBytes, fc.constantFrom(PLAIN, X), (bytes, slot) => {
      rejected = [];
      writeFileSync(files.request(slot), bytes);
      rmSync(files.response(slot), { force: true });
      const job = consider(slot);
      if (job === undefined) {
        const response = decodeAnswer(files.responseText(slot));
        if (!('code' in response)) throw new Error('expected an error');
        const { code: outcome, text: error } = response;
        expect(rejected).toEqual([{ vm: 7, slot: labelOf(slot), outcome, error }]);
      } else {
        served += 1;
        expect(files.responseText(slot)).toBe('');
        expect(rejected).toEqual([]);
        job.ticket.release();
      }
      expect(files.hasRequest(slot)).toBe(job !== undefined);
      expect(files.names().filter((name) => name.startsWith('.'))).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(served).toBeGreaterThan(0);
});
