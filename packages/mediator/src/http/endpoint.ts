import { BlockList, isIP, isIPv6 } from 'node:net';
import { MediatorError } from '../mediator-error.js';

/** Where the HTTP server listens. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The longest path of a socket, in bytes. */
const MAX_PATH_BYTES = 107;

/** Includes IPv4 addresses in the form of IPv6 ones. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Reads `host:port`, `[IPv6 address]:port` or `unix:path`; undefined for other texts. */
export function parseEndpoint(text: string): Endpoint | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    const bytes = Buffer.byteLength(path);
    const isPath = bytes > 0 && bytes <= MAX_PATH_BYTES && !path.includes('\0');
    return isPath ? { kind: 'unix', path } : undefined;
  }
  const [, address, name, digits] =
    /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):([0-9]{1,5})$/i.exec(text) ?? [];
  const host = address === undefined ? name : isIPv6(address) ? address : undefined;
  const port = Number(digits);
  return host !== undefined && port <= 0xffff ? { kind: 'tcp', host, port } : undefined;
}

/** The URL of an endpoint, for people. */
export function describeEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const { host, port } = endpoint;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}/`;
}

/**
 * Whether only this machine can reach a host of this name or address. Of names only localhost
 * counts, since others may resolve to other addresses later.
 */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return /^localhost\.?$/i.test(host);
  return LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Requires a token for addresses other than loopback, so that the network cannot see the VMs. The
 * permissions of its directory protect a socket.
 *
 * @throws MediatorError `INVALID_CONFIG`.
 */
export function requireProtection(endpoint: Endpoint, token: string | undefined): void {
  if (endpoint.kind === 'unix' || isLoopback(endpoint.host) || token !== undefined) return;
  throw new MediatorError(
    'INVALID_CONFIG',
    `--http: every client that reaches ${endpoint.host} could see all VMs; give --http-token (better as ` +
      'VGPU_HTTP_TOKEN or in the config file), or a loopback address, or unix:<path> for a reverse ' +
      'proxy that authenticates its clients',
  );
}
