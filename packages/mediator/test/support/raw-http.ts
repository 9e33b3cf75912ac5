import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../src/http/endpoint.js';

/** A connection to a server, on which anything can be written. */
export function connectTo(endpoint: Endpoint): Socket {
  const socket =
    endpoint.kind === 'unix' ? connect(endpoint.path) : connect(endpoint.port, endpoint.host);
  return socket.on('error', () => undefined);
}

/** All that a server sends for what is written on a connection, until it closes that. */
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
