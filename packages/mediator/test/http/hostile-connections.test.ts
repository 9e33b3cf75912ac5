import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Endpoint } from '../../src/http/endpoint.js';
import { openHttp, type Http } from '../../src/http/open-http.js';
import { Mediator } from '../../src/mediator.js';
import { ask } from '../support/http-client.js';
import { connectTo, exchange } from '../support/raw-http.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestHost } from '../support/test-host.js';
import { until } from '../support/until.js';

const TOKEN = 'correct-horse-battery';
const HEAD = 'Host: localhost\r\n';
/** A hang, on a machine that is busy. */
const TLS_HELLO = Buffer.from('16030100c8010000c40303', 'hex');

let host: TestHost;
let http: Http;
let held: Socket[];

beforeEach(() => {
  host = new TestHost(Mediator);
  held = [];
});
afterEach(async () => {
  for (const socket of held) socket.destroy();
  http.close();
  await host.close();
});

async function open(endpoint: Endpoint, token?: string): Promise<void> {
  http = await openHttp({ endpoint, token, mediator: host.mediator([]), logger: host.logger });
}

/** Holds connections, and reopens closed ones, as an attacker does. */
function hold(count: number, begin: (socket: Socket) => void): void {
  const one = () => {
    const socket = connectTo(http.endpoint);
    held.push(socket);
    socket.on('connect', () => {
      begin(socket);
    });
    socket.on('close', () => {
      if (left > 0) one();
      left -= 1;
    });
  };
  let left = count;
  for (let n = 0; n < count; n += 1) one();
}

const ENDPOINTS: Record<string, () => Endpoint> = {
  'a port': () => ({ kind: 'tcp', host: '127.0.0.1', port: 0 }),
  'a socket': () => ({ kind: 'unix', path: join(temporaryDirectory(), 'http.sock') }),
};

const HOSTILE: Record<string, (socket: Socket) => void> = {
  'send nothing': () => undefined,
  'send headers one by one': (socket) => {
    socket.write(`GET /metrics HTTP/1.1\r\n${HEAD}`);
    const sending = setInterval(() => socket.write('X-a: b\r\n'), 1000);
    socket.on('close', () => {
      clearInterval(sending);
    });
  },
  'send a body byte by byte': (socket) => {
    socket.write(`GET /healthz HTTP/1.1\r\n${HEAD}Content-Length: 1000000\r\n\r\n`);
    const sending = setInterval(() => socket.write('x'), 1000);
    socket.on('close', () => {
      clearInterval(sending);
    });
  },
  'stay after a request': (socket) => {
    socket.write(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`);
  },
  'begin TLS': (socket) => {
    socket.write(TLS_HELLO);
  },
  'never read': (socket) => {
    socket.pause();
    socket.write(`GET /metrics HTTP/1.1\r\n${HEAD}\r\n`.repeat(4));
  },
  'follow the events': (socket) => {
    socket.write(`GET /events HTTP/1.1\r\n${HEAD}\r\n`);
  },
};

describe.each(Object.entries(ENDPOINTS))('at %s', (_where, endpoint) => {
  test.each(Object.entries(HOSTILE))(
    'health is seen beside 300 clients that %s',
    async (_, begin) => {
      await open(endpoint());
      hold(300, begin);
      await until('all have come', () => held.every(({ connecting }) => !connecting));
      const statuses: number[] = [];
      for (let n = 0; n < 4; n += 1) {
        statuses.push((await ask(http.endpoint, '/healthz')).status);
        // It may be that nothing is ready where no device is open; but that is said.
        statuses.push((await ask(http.endpoint, '/readyz')).status);
        statuses.push((await ask(http.endpoint, '/metrics')).status);
      }
      expect(statuses).toEqual(Array.from({ length: 4 }, () => [200, 503, 200]).flat());
    },
  );

  test('health is seen by those who ask among 1000 that connect at once', async () => {
    await open(endpoint());
    const asked: Promise<{ readonly status: number }>[] = [];
    for (let n = 0; n < 10; n += 1) {
      hold(100, () => undefined);
      asked.push(ask(http.endpoint, '/healthz'));
    }
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
  });
});

test('a live stream stays, whatever others hold open', async () => {
  await open({ kind: 'tcp', host: '127.0.0.1', port: 0 }, TOKEN);
  const stream = connectTo(http.endpoint);
  held.push(stream);
  let [events, isClosed] = [0, false];
  stream.setEncoding('utf8').on('data', (text: string) => {
    events += text.split('event: sample').length - 1;
  });
  stream.on('close', () => {
    isClosed = true;
  });
  stream.write(`GET /events HTTP/1.1\r\n${HEAD}X-Vgpu-Token: ${TOKEN}\r\n\r\n`);
  hold(600, () => undefined);
  await until('it has heard three times', () => events >= 3 || isClosed);
  expect(isClosed).toBe(false);
});

describe('input that is not a request', () => {
  beforeEach(() => open({ kind: 'tcp', host: '127.0.0.1', port: 0 }));

  test.each([
    ['of TLS', TLS_HELLO, 400, /TLS: use http:\/\//],
    ['of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 400, /expected a request of HTTP/],
    ['that never ends', `GET / HTTP/1.1\r\n${HEAD}`, 408, /no complete request/],
    ['that never begins', '', 408, /no complete request/],
    ['to be a proxy', `CONNECT localhost:443 HTTP/1.1\r\n${HEAD}\r\n`, 405, /only GET and HEAD/],
  ])('%s is told so', async (_what, text, status, body) => {
    const got = await exchange(http.endpoint, text);
    expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\n`));
    expect(got).toMatch(body);
    if (status === 405) expect(got).toContain('\r\nAllow: GET, HEAD\r\n');
  });

  test('headers may have 16 KiB and more; far too long ones are told what to do', async () => {
    const withCookies = (bytes: number) => {
      const cookie = `a=${'x'.repeat(1000)}; `.repeat(Math.ceil(bytes / 1000));
      return `GET /healthz HTTP/1.1\r\n${HEAD}Connection: close\r\nCookie: ${cookie}\r\n\r\n`;
    };
    expect(await exchange(http.endpoint, withCookies(9_000))).toMatch(/^HTTP\/1.1 200 /);
    expect(await exchange(http.endpoint, withCookies(24_000))).toMatch(/^HTTP\/1.1 200 /);
    for (const bytes of [40_000, 1_000_000]) {
      const socket = connectTo(http.endpoint);
      socket.write(withCookies(bytes));
      const [got] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
      socket.destroy();
      expect(got).toMatch(/^HTTP\/1.1 431 /);
      expect(got).toContain('delete cookies of this host');
    }
  });
});
