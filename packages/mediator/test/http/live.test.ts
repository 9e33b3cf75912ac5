import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventStream } from '../../src/http/event-stream.js';
import { Latest } from '../../src/http/latest.js';
import { Live } from '../../src/http/live.js';
import { Ring } from '../../src/http/ring.js';
import type { MediatorSnapshot, QueueSnapshot } from '../../src/snapshot.js';
import { until } from '../support/until.js';

describe('a ring', () => {
  test('keeps the last so many', () => {
    const ring = new Ring<number>(3);
    expect(ring.oldestFirst()).toEqual([]);
    for (const item of [1, 2]) ring.push(item);
    expect(ring.oldestFirst()).toEqual([1, 2]);
    for (const item of [3, 4, 5]) ring.push(item);
    expect(ring.oldestFirst()).toEqual([3, 4, 5]);
    expect(ring.latestFirst()).toEqual([5, 4, 3]);
  });
});

describe('what is latest', () => {
  test('are the last fifty requests, and the last fifty errors with those of devices', () => {
    const latest = new Latest();
    const device = { device: 0 } as Parameters<Latest['deviceChanged']>[0];
    latest.deviceChanged(device);
    latest.deviceChanged(device, { kind: 'lost', message: 'gone' });
    for (let n = 0; n < 100; n += 1) {
      const outcome = n % 4 === 0 ? 'BAD_REQUEST' : n % 4 === 1 ? 'WITHDRAWN' : 'ok';
      latest.requestFinished({ vm: 1, slot: `n${n}`, outcome });
    }
    const slots = latest.requests.map(({ request }) => request.slot);
    expect(slots).toEqual(Array.from({ length: 50 }, (_, i) => `n${99 - i}`));
    const troubles = latest.troubles.map((trouble) =>
      'fault' in trouble ? trouble.fault.kind : trouble.request.slot,
    );
    expect(troubles).toEqual([...Array.from({ length: 25 }, (_, i) => `n${96 - 4 * i}`), 'lost']);
  });
});

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
      stream.send('now', big);
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
      stream.send('now', { n, padding: 'x'.repeat(2 ** 19) });
      await until('it is read', () => read.includes(`"n":${n},`));
    }
    expect(read).toMatch(/^retry: 1000\n\nevent: now\ndata: \{"n":0,/);
    expect(stream.size).toBe(1);
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

  afterEach(() => {
    jest.useRealTimers();
  });

  test('is told how the queue was before it came, and costs no look where nobody looks', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'setTimeout', 'performance'] });
    let looks = 0;
    const look = () => {
      looks += 1;
      return { queue } as MediatorSnapshot;
    };
    const live = new Live(look, () => queue);
    jest.advanceTimersByTime(310_000);
    expect(looks).toBe(0);
    server = createServer((_request, response) => live.add(response));
    const port = await listen();
    let read = '';
    const reader = get({ port, host: '127.0.0.1', agent: false }, (response: IncomingMessage) => {
      response.setEncoding('utf8').on('data', (text: string) => (read += text));
    });
    await until('it has been told', () => read.includes('event: now'));
    const [, history = ''] = /event: history\ndata: (.*)\n/.exec(read) ?? [];
    const samples = JSON.parse(history) as unknown[];
    expect(samples).toHaveLength(300);
    expect(samples.at(-1)).toEqual({ atMs: Date.now(), queued: [2, 0, 1] });
    expect(looks).toBe(1);
    jest.advanceTimersByTime(1000);
    expect(looks).toBe(2);
    reader.destroy();
    await until('it has gone', () => {
      const before = looks;
      jest.advanceTimersByTime(1000);
      return looks === before;
    });
    live.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});
