import { once } from 'node:events';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, type AddressInfo, type Server } from 'node:net';
import { MediatorError } from '../mediator-error.js';
import { errnoOf } from '../spool/errno.js';
import { describeEndpoint, type Endpoint } from './endpoint.js';

/** For its owner and its group, such as a reverse proxy's. */
const SOCKET_MODE = 0o660;

/**
 * Listens; gives where, with the port if that was to be any. A socket that a killed process has left is
 * replaced, one at which somebody listens not.
 *
 * @throws MediatorError `HTTP_UNUSABLE`.
 */
export async function listen(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  try {
    if (endpoint.kind === 'unix') {
      await removeAbandoned(endpoint.path);
      // Node binds within the call, so that nobody else has the socket before it has its mode.
      const before = process.umask(0o177);
      const started = start(server, { path: endpoint.path });
      process.umask(before);
      await started;
      chmodSync(endpoint.path, SOCKET_MODE);
      return endpoint;
    }
    await start(server, endpoint);
    const { port } = server.address() as AddressInfo;
    return { ...endpoint, port };
  } catch (cause) {
    const isTaken = errnoOf(cause) === 'EADDRINUSE';
    throw new MediatorError(
      'HTTP_UNUSABLE',
      `cannot listen at ${describeEndpoint(endpoint)}: ${(cause as Error).message}; ` +
        `${isTaken ? 'does another mediator run? Else ' : ''}give another place with --http`,
      { cause },
    );
  }
}

async function start(server: Server, at: { path: string } | { host: string; port: number }) {
  server.listen(at);
  // Rejects with what `error` is emitted with.
  await once(server, 'listening');
}

async function removeAbandoned(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (errnoOf(error) === 'ECONNREFUSED') unlinkSync(path);
  } finally {
    socket.destroy();
  }
}
