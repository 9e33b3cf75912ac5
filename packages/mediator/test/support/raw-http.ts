import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../src/http/endpoint.js';

/** A connection to a server, on which anything can be written. */
export function connectTo(endpoint: Endpoint): Socket {
  const socket =
    endpoint.kind === 'unix' ? connect(endpoint.path) : connect(endpoint.port, endpoint.host);
  return socket.on('error', () => undefined);
}

/** Writes to a connection; returns everything that the server sends until it closes the connection. */
export function exchange(endpoint: Endpoint, text: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let got = '';
    const socket = connectTo(endpoint);
    socket.setEncoding('utf8').on('data', (part: string) => (got += part));
    socket.on('close', () => {
      resolve(got);
    });
    socket.write(text);
  });
}
