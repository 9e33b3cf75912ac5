import {
  createServer,
  get,
  type ClientRequest,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventStream, eventText } from '../../src/http/event-stream.js';
import { FirstOf, Ring } from '../../src/http/bounded-lists.js';
import { Latest, Live } from '../../src/http/live.js';
import type { Now } from '../../src/http/page-events.js';
import type { MediatorOverview, QueueSnapshot, VmOverview } from '../../src/telemetry/snapshot.js';
import { until } from '../support/until.js';

describe('a ring', () => {
  test('keeps the last items', () => {
    const ring = new Ring<number>(3);
    expect(ring.oldestFirst()).toEqual([]);
    for (const item of [1, 2]) ring.push(item);
    expect(ring.oldestFirst()).toEqual([1, 2]);
    for (const item of [3, 4, 5]) ring.push(item);
    expect(ring.oldestFirst()).toEqual([3, 4, 5]);
    expect(ring.latestFirst()).toEqual([5, 4, 3]);
  });
});

describe('the latest requests and errors', () => {
  test('are the last fifty requests, and the last fifty errors with those of devices', () => {
    const latest = new Latest();
    const device = { device: 0 } as Parameters<Latest['deviceChanged']>[0];
    latest.deviceChanged(device);
    latest.deviceChanged(device, { kind: 'lost', message: 'gone' });
    for (let n = 0; n < 100; n += 1) {
      const outcome = n % 4 === 0 ? 'BAD_REQUEST' : n % 4 === 1 ? 'WITHDRAWN' : 'OK';
      latest.requestFinished({ vm: 1, slot: `n${n}`, outcome });
    }
    const slots = latest.requests.map(({ request }) => request.slot);
    expect(slots).toEqual(Array.from({ length: 50 }, (_, i) => `n${99 - i}`));
    const errors = latest.errors.map((event) =>
      'fault' in event ? event.fault.kind : event.request.slot,
    );
    expect(errors).toEqual([...Array.from({ length: 25 }, (_, i) => `n${96 - 4 * i}`), 'lost']);
  });
});

/** A hang, on a machine that is busy. */

let server: Server;
let sockets: Socket[];

beforeEach(() => {
  sockets = [];
  server = createServer();
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  server.closeAllConnections();
});

async function listen(): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a stream of events', () => {
  test('is for sixteen clients, and lets one go that does not read', async () => {
    const stream = new EventStream();
    const taken: boolean[] = [];
    server = createServer((_request, response) => {
      taken.push(stream.add(response));
      if (taken.at(-1) === false) response.end();
    });
    const port = await listen();
    // They never read: a socket that is paused has its window fill up.
    sockets = Array.from({ length: 17 }, () => {
      const socket = connect(port, '127.0.0.1').pause();
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      return socket;
    });
    await until('all have come', () => taken.length === 17);
    expect(taken.filter(Boolean)).toHaveLength(16);
    expect(stream.size).toBe(16);
    const big = 'x'.repeat(2 ** 20);
    let sent = 0;
    const sending = setInterval(() => {
      stream.send(eventText('now', big));
      sent += 1;
    }, 1);
    try {
      await until('all are let go', () => stream.size === 0);
    } finally {
      clearInterval(sending);
    }
    expect(sent).toBeGreaterThan(10);
  });

  test('reaches those who read, whatever others do', async () => {
    const stream = new EventStream();
    server = createServer((_request, response) => stream.add(response));
    const port = await listen();
    const lazy = connect(port, '127.0.0.1').pause();
    lazy.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    sockets.push(lazy);
    let read = '';
    const reader = get({ port, host: '127.0.0.1', agent: false }, (response: IncomingMessage) => {
      response.setEncoding('utf8').on('data', (text: string) => (read += text));
      response.on('error', () => undefined);
    });
    reader.on('error', () => undefined);
    await until('both have come', () => stream.size === 2);
    for (let n = 0; n < 20; n += 1) {
      stream.send(eventText('now', { n, padding: 'x'.repeat(2 ** 19) }));
      await until('it is read', () => read.includes(`"n":${n},`));
    }
    expect(read).toMatch(/^retry: 1000\n\nevent: now\ndata: \{"n":0,/);
    expect(stream.size).toBe(1);
  });
});

describe('the first of many', () => {
  test('are those that come first in an order, whatever order they come in', () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    const first = new FirstOf<number>(10, (a, b) => a - b);
    for (const number of numbers) first.push(number);
    expect(first.first()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const few = new FirstOf<number>(10, (a, b) => a - b);
    for (const number of [2, 1]) few.push(number);
    expect(few.first()).toEqual([1, 2]);
  });
});

describe('the page', () => {
  const queue: QueueSnapshot = {
    queued: 3,
    depths: [
      { pool: 'A', priority: 2, queued: 1 },
      { pool: 'B', priority: 2, queued: 1 },
      { pool: 'A', priority: 0, queued: 1 },
    ],
    oldest: [],
  };
  const VM: Omit<VmOverview, 'vm'> = {
    ...{ registered: false, pool: 'A', priority: 1, state: 'active', queued: 0 },
    ...{ requests: 0, answered: 0, errors: 0, withdrawn: 0, claimsOverridden: 0, deviceMs: 0 },
  };
  let live: Live | undefined;

  afterEach(() => {
    live?.close();
    jest.useRealTimers();
  });

  /** A mediator with VMs, for which each update takes this many milliseconds. */
  class Shown {
    looks = 0;
    readonly #vms: number;
    readonly #lookMs: number;

    constructor(vms: number, lookMs = 0) {
      this.#vms = vms;
      this.#lookMs = lookMs;
    }

    readonly overview = () => ({ queue }) as MediatorOverview;
    readonly queueSnapshot = () => queue;
    readonly recentWaitMs = () => null;
    *vms(): IterableIterator<VmOverview> {
      this.looks += 1;
      const untilMs = performance.now() + this.#lookMs;
      while (performance.now() < untilMs);
      for (let vm = 1; vm <= this.#vms; vm += 1) {
        yield { vm, ...VM, registered: vm % 2 === 0, queued: vm === 40_000 ? 1 : 0, requests: vm };
      }
    }
  }

  class Reader {
    read = '';
    readonly #request: ClientRequest;

    constructor(port: number) {
      const options = { port, host: '127.0.0.1', agent: false };
      this.#request = get(options, (response: IncomingMessage) => {
        response.setEncoding('utf8').on('data', (text: string) => (this.read += text));
        response.on('error', () => undefined);
      });
      this.#request.on('error', () => undefined);
    }

    count(event: string): number {
      return this.read.split(`event: ${event}\n`).length - 1;
    }

    /** The data of the first event of a name. */
    data(event: string): unknown {
      const [, text = ''] = new RegExp(`event: ${event}\ndata: (.*)\n\n`).exec(this.read) ?? [];
      return JSON.parse(text);
    }

    leave(): void {
      this.#request.destroy();
    }
  }

  async function serve(shown: Shown): Promise<number> {
    const started = (live = new Live(shown));
    server = createServer((_request, response) => started.add(response));
    return listen();
  }

  test('gets the earlier samples, and costs no update without a client', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'setTimeout', 'performance'] });
    const shown = new Shown(3);
    const port = await serve(shown);
    jest.advanceTimersByTime(310_000);
    expect(shown.looks).toBe(0);
    const reader = new Reader(port);
    await until('it has been told', () => reader.count('now') === 1);
    const samples = reader.data('history') as unknown[];
    expect(samples).toHaveLength(300);
    expect(samples.at(-1)).toEqual({ atMs: Date.now(), queued: [2, 0, 1] });
    expect(shown.looks).toBe(1);
    expect(reader.data('now')).toMatchObject({ vms: { known: 3, registered: 1 } });
    await until('it is told again', () => {
      jest.advanceTimersByTime(1000);
      return reader.count('now') === 2;
    });
    reader.leave();
    await until('it has gone', () => {
      const before = shown.looks;
      jest.advanceTimersByTime(1000);
      return shown.looks === before;
    });
    live?.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is told of the busiest of 50 000 VMs, with how many there are', async () => {
    const reader = new Reader(await serve(new Shown(50_000)));
    await until('it has been told', () => reader.count('now') > 0 && reader.read.endsWith('\n\n'));
    expect(reader.read.length).toBeLessThan(400_000);
    const { vms } = reader.data('now') as Now;
    expect(vms).toMatchObject({ known: 50_000, registered: 25_000 });
    expect(vms.shown).toHaveLength(1000);
    expect(vms.shown.slice(0, 3).map(({ vm }) => vm)).toEqual([40_000, 50_000, 49_999]);
    expect(vms.shown.at(-1)?.vm).toBe(49_002);
  });

  test('hears from the mediator each second, also where a look takes long', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'setTimeout', 'performance'] });
    // The next one is due a minute later.
    const shown = new Shown(3, 1200);
    const port = await serve(shown);
    const reader = new Reader(port);
    await until('it has been told', () => reader.count('now') === 1);
    for (let second = 1; second <= 10; second += 1) {
      jest.advanceTimersByTime(1000);
      await until('it has heard', () => reader.count('sample') === second);
    }
    // Clients that reconnect get the last update, and cause none.
    for (let n = 0; n < 20; n += 1) {
      const other = new Reader(port);
      await until('the other has been told', () => other.count('now') === 1);
      other.leave();
    }
    expect(shown.looks).toBe(1);
  });
});
