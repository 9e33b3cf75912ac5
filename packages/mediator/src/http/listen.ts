import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, isIP, type AddressInfo, type ListenOptions, type Server } from 'node:net';
import type { Logger } from '../telemetry/logger.js';
import { MediatorError } from '../mediator-error.js';
import { errnoOf } from '@vgpu/linux';
import { describeEndpoint, isLoopback, type Endpoint } from './endpoint.js';

/** The owner and the group, such as that of a reverse proxy, may connect. */
const SOCKET_MODE = 0o660;
/** Both, independent of the hosts file: RFC 6761 section 6.3. */
const LOCALHOST = ['127.0.0.1', '::1'];
/** Errors for an address that this host does not have, or a family that it does not support. */
const NOT_HERE: readonly unknown[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'];
/**
 * Connections that the kernel holds until they are accepted; it has a limit of its own
 * (net.core.somaxconn).
 */
const BACKLOG = 4096;
/** A port that is free at one address may be taken at the next. */
const MAX_ATTEMPTS = 16;

/** Listening servers, and their endpoint with its actual port. */
export interface Listening<S extends Server> {
  readonly endpoint: Endpoint;
  /** One for each address. */
  readonly servers: readonly S[];
}

/** The type of `lookup` of `node:dns/promises`. */
export type Lookup = (
  host: string,
  options: { readonly all: true },
) => Promise<readonly { readonly address: string }[]>;

/**
 * Listens, with one server for each address of a name. It replaces the socket of a killed process,
 * but not one at which a process listens.
 *
 * @throws MediatorError `HTTP_UNUSABLE`.
 */
export async function listen<S extends Server>(
  create: () => S,
  endpoint: Endpoint,
  logger: Logger,
  resolve: Lookup = lookup,
): Promise<Listening<S>> {
  try {
    if (endpoint.kind === 'unix') {
      await removeAbandoned(endpoint.path);
      // Node binds within the call, so that no other user can open the socket before it has its mode.
      const before = process.umask(0o177);
      const started = start(create(), { path: endpoint.path });
      process.umask(before);
      const server = await started;
      chmodSync(endpoint.path, SOCKET_MODE);
      return { endpoint, servers: [server] };
    }
    const addresses = await addressesOf(endpoint.host, resolve);
    const { port, servers, missing } = await listenAtAll(create, addresses, endpoint.port);
    for (const { message } of missing) {
      // A host without IPv6 still has a localhost.
      const level = isLoopback(endpoint.host) ? 'debug' : 'warn';
      logger[level]('not serving at an address of the name', { error: message });
    }
    return { endpoint: { ...endpoint, port }, servers };
  } catch (cause) {
    const isTaken = errnoOf(cause) === 'EADDRINUSE';
    throw new MediatorError(
      'HTTP_UNUSABLE',
      `cannot listen at ${describeEndpoint(endpoint)}: ${(cause as Error).message}; ` +
        `${isTaken ? 'stop the program that uses it, or ' : ''}give another endpoint with --http`,
      { cause },
    );
  }
}

async function addressesOf(host: string, resolve: Lookup): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  if (isLoopback(host)) return LOCALHOST;
  const found = await resolve(host, { all: true });
  return [...new Set(found.map(({ address }) => address))];
}

/** Listens at the same port of all addresses that this host has. */
async function listenAtAll<S extends Server>(
  create: () => S,
  addresses: readonly string[],
  port: number,
) {
  for (let attempt = 1; ; attempt += 1) {
    const servers: S[] = [];
    const missing: Error[] = [];
    let taken = port;
    try {
      for (const host of addresses) {
        try {
          // A server for both families would take the other address, too.
          const ipv6Only = addresses.length > 1;
          const server = await start(create(), { host, port: taken, ipv6Only });
          servers.push(server);
          ({ port: taken } = server.address() as AddressInfo);
        } catch (error) {
          if (!NOT_HERE.includes(errnoOf(error))) throw error;
          missing.push(error as Error);
        }
      }
      const [first] = missing;
      if (servers.length === 0 && first !== undefined) throw first;
      return { port: taken, servers, missing };
    } catch (error) {
      for (const server of servers) server.close();
      const isChosen = port === 0 && errnoOf(error) === 'EADDRINUSE';
      if (!isChosen || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function start<S extends Server>(server: S, at: ListenOptions): Promise<S> {
  server.listen({ ...at, backlog: BACKLOG });
  // Rejects with the emitted error.
  await once(server, 'listening');
  return server;
}

async function removeAbandoned(path: string): Promise<void> {
  if (lstatSync(path, { bigint: true, throwIfNoEntry: false })?.isSocket() !== true) return;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (errnoOf(error) === 'ECONNREFUSED') unlinkSync(path);
  } finally {
    socket.destroy();
  }
}
