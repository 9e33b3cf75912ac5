import { createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { listen, type Lookup } from '../../src/http/listen.js';
import { FakeLogger } from '../support/fakes.js';

/** An address for documentation, which no host has. */
const NOBODYS = '192.0.2.1';
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

let made: Server[];
let logger: FakeLogger;
beforeEach(() => {
  made = [];
  logger = new FakeLogger();
});
afterEach(() => {
  for (const server of made) server.close();
});

function create(): Server {
  const server = createServer();
  made.push(server);
  return server;
}

function at(host: string, port = 0, ...addresses: string[]) {
  const resolve: Lookup = () => Promise.resolve(addresses.map((address) => ({ address })));
  return listen(create, { kind: 'tcp', host, port }, logger, resolve);
}

function addressesOf(servers: readonly Server[]): string[] {
  return servers.map((server) => (server.address() as AddressInfo).address);
}

test('localhost is at both addresses, at one port, whatever the hosts file says', async () => {
  const { endpoint, servers } = await at('localhost', 0, '::1');
  const expected = hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  expect(addressesOf(servers)).toEqual(expected);
  if (endpoint.kind !== 'tcp') throw new Error('expected a port');
  expect(endpoint.port).toBeGreaterThan(0);
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  expect(ports).toEqual(expected.map(() => endpoint.port));
});

test('a name is served at each of its addresses that this host has, and the log says at which it is not', async () => {
  const { servers } = await at('gpu.example', 0, '127.0.0.1', NOBODYS, '127.0.0.2', '127.0.0.1');
  expect(addressesOf(servers)).toEqual(['127.0.0.1', '127.0.0.2']);
  expect(logger.of('not serving at an address of the name')).toMatchObject([
    { level: 'warn', fields: { error: expect.stringContaining(NOBODYS) } },
  ]);
});

test('a name of which this host has no address is refused', async () => {
  const refusal = expect.objectContaining({
    code: 'HTTP_UNUSABLE',
    message: expect.stringContaining('EADDRNOTAVAIL'),
  });
  await expect(at('gpu.example', 0, NOBODYS)).rejects.toThrow(refusal);
});

test('if the port is taken at one address, none is served', async () => {
  const { endpoint } = await at('127.0.0.2');
  if (endpoint.kind !== 'tcp') throw new Error('expected a port');
  const { port } = endpoint;
  const refusal = expect.objectContaining({
    code: 'HTTP_UNUSABLE',
    message: expect.stringContaining('EADDRINUSE'),
  });
  await expect(at('gpu.example', port, '127.0.0.1', '127.0.0.2')).rejects.toThrow(refusal);
  expect(made.slice(1).map(({ listening }) => listening)).toEqual([false, false]);
});
