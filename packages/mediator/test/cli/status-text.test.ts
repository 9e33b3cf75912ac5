import { describe, expect, test } from '@jest/globals';
import { roundedDuration, statusText } from '../../src/cli/status-text.js';
import { StatusResult } from '../../src/control/status-result.js';

const QUIET = {
  requests: 0,
  answered: 0,
  errors: 0,
  withdrawn: 0,
  claimsOverridden: 0,
  deviceMs: 0,
};

const STATUS: StatusResult = {
  pid: 4321,
  version: '1.2.3',
  uptimeMs: 20_000,
  root: '/var/vgpu',
  stateDir: '/var/vgpu-state',
  phase: 'serving',
  isRootReadable: true,
  queue: {
    queued: 3,
    depths: [
      { pool: 'A', priority: 2, queued: 1 },
      { pool: 'B', priority: 2, queued: 1 },
      { pool: 'A', priority: 1, queued: 0 },
      { pool: 'B', priority: 0, queued: 1 },
    ],
    oldest: [
      { priority: 2, ageMs: 1234 },
      { priority: 1, ageMs: null },
      { priority: 0, ageMs: 0.5 },
    ],
  },
  devices: [
    {
      executor: 0,
      device: 2,
      backend: 'cuda',
      name: 'NVIDIA H200',
      state: 'busy',
      busyMs: 5000,
      jobs: 90,
      faults: 0,
    },
    {
      executor: 1,
      device: null,
      backend: null,
      name: null,
      state: 'out-of-service',
      busyMs: 0,
      jobs: 0,
      faults: 3,
    },
  ],
  pools: [
    { pool: 'A', devices: null, isServed: true },
    { pool: 'B', devices: [2], isServed: true },
  ],
  totals: { ...QUIET, requests: 90, answered: 88, errors: 1, withdrawn: 1, deviceMs: 5000 },
  vms: [
    {
      ...QUIET,
      vm: 1,
      registered: true,
      pool: 'A',
      priority: 2,
      state: 'active',
      queued: 2,
      requests: 90,
      answered: 80,
      errors: 10,
      deviceMs: 4200,
      recentWaitMs: { p50: 0.25, p95: 1, p99: 12.5 },
    },
    {
      ...QUIET,
      vm: 30,
      registered: false,
      pool: null,
      priority: null,
      state: 'absent',
      queued: 0,
      recentWaitMs: null,
    },
  ],
};

const PLAIN = { isTerminal: false, environment: {} };

describe('a status', () => {
  test('has tabs between its cells for programs', () => {
    expect(statusText(STATUS, PLAIN)).toBe(
      `vgpu-mediator 1.2.3, pid 4321, serving for 20 s, root /var/vgpu
queued: 3: high 2 (oldest 1.23 s), medium 0, low 1 (oldest 0.5 ms); 4.5 requests/s

DEVICE\tNAME\tSTATE\tBUSY\tREQUESTS\tFAULTS
2\tNVIDIA H200\tbusy\t25.0%\t90\t0
-\t-\tout-of-service\t0.0%\t0\t3

VM\tPOOL\tPRIORITY\tSTATE\tQUEUED\tANSWERED\tERRORS\tWAIT P50\tWAIT P99\tDEVICE TIME
1\tA\thigh\tactive\t2\t80\t10\t0.25 ms\t12.5 ms\t4.2 s
30\t-\t-\tabsent\t0\t0\t0\t-\t-\t0 ms`,
    );
  });

  test('is aligned for people, also where marks stand in it', () => {
    const text = statusText(STATUS, { isTerminal: true, environment: {} });
    expect(text).toContain('\x1b[31mout-of-service\x1b[39m');
    const bare = statusText(STATUS, { isTerminal: true, environment: { NO_COLOR: '1' } });
    expect(bare).not.toContain('\x1b');
    expect(bare.split('\n').slice(3, 6)).toEqual([
      'DEVICE  NAME         STATE            BUSY  REQUESTS  FAULTS',
      '     2  NVIDIA H200  busy            25.0%        90       0',
      '     -  -            out-of-service   0.0%         0       3',
    ]);
  });

  test('since another one has the rates since then', () => {
    const [device] = STATUS.devices;
    if (device === undefined) throw new Error('there is one');
    const later = {
      ...STATUS,
      uptimeMs: 22_000,
      devices: [{ ...device, busyMs: 6500 }],
      totals: { ...STATUS.totals, requests: 190 },
    };
    const text = statusText(later, PLAIN, STATUS);
    expect(text).toContain('50 requests/s');
    expect(text).toContain('75.0%');
    // One of another process says nothing about this one.
    expect(statusText(later, PLAIN, { ...STATUS, pid: 1 })).toContain('8.64 requests/s');
  });

  test('says that the root cannot be read', () => {
    expect(statusText({ ...STATUS, isRootReadable: false }, PLAIN)).toContain('cannot be read');
  });

  test('says that a pool waits for want of a device that works', () => {
    expect(statusText(STATUS, PLAIN)).not.toContain('waits');
    const pools = [{ pool: 'B' as const, devices: [5, 7], isServed: false }];
    const text = statusText({ ...STATUS, pools }, PLAIN);
    expect(text).toContain('\npool B waits: none of its devices 5, 7 works\n');
    // What the table of devices says is enough.
    const everyDevice = [{ pool: 'B' as const, devices: null, isServed: false }];
    expect(statusText({ ...STATUS, pools: everyDevice }, PLAIN)).not.toContain('waits');
  });

  test('of a later version passes on what it has more', () => {
    expect(StatusResult.parse({ ...STATUS, more: 1 })).toEqual({ ...STATUS, more: 1 });
    expect(StatusResult.safeParse({ ...STATUS, queue: {} }).success).toBe(false);
  });
});

test.each([
  [0, '0 ms'],
  [0.3456, '0.346 ms'],
  [999.4, '999 ms'],
  [999.6, '1 s'],
  [59_900, '59.9 s'],
  [59_960, '1 min 0 s'],
  [245_000, '4 min 5 s'],
  [3_600_000, '1 h 0 min'],
  [86_399_000, '1 d 0 h'],
  [183_600_000, '2 d 3 h'],
])('%s ms are %s', (ms, text) => {
  expect(roundedDuration(ms)).toBe(text);
});
