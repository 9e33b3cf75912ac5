import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Connections } from '../../src/http/connections.js';
import type { Endpoint } from '../../src/http/endpoint.js';
import { ask } from '../support/http-client.js';
import { connectTo } from '../support/raw-http.js';
import { until } from '../support/until.js';

const BIG = Buffer.alloc(16 * 2 ** 20);

let server: Server;
let endpoint: Endpoint;
let held: Socket[];
let big: Socket[];

beforeEach(async () => {
  const connections = new Connections();
  [held, big] = [[], []];
  server = createServer((request, response) => {
    connections.respond(response);
    if (request.url === '/big') big.push(request.socket);
    response.end(request.url === '/big' ? BIG : 'small');
  });
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
});
afterEach(() => {
  for (const socket of held) socket.destroy();
  server.close();
  server.closeAllConnections();
});

const open = () => big.filter(({ destroyed }) => !destroyed).length;

test('of unread responses only the latest are kept, and other clients are served', async () => {
  for (let n = 1; n <= 40; n += 1) {
    const socket = connectTo(endpoint).pause();
    held.push(socket);
    socket.write('GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until('it is asked for', () => big.length === n);
    expect((await ask(endpoint, '/small')).body).toBe('small');
  }
  // One more is the last small one.
  expect(open()).toBe(31);
  expect(big.slice(0, 9).every(({ destroyed }) => destroyed)).toBe(true);
});

test('of connections without a request only the latest are kept, and of those with one all', async () => {
  const closed: number[] = [];
  const begun = connectTo(endpoint).pause();
  held.push(begun);
  begun.write('GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until('it is asked for', () => big.length === 1);
  for (let n = 0; n < 260; n += 1) {
    const socket = connectTo(endpoint);
    held.push(socket);
    socket.on('close', () => closed.push(n));
    await once(socket, 'connect');
  }
  await until('those that are too many are closed', () => closed.length === 4);
  expect(closed.sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  expect(open()).toBe(1);
});
