import { STATUS_CODES, type ServerResponse } from 'node:http';

/**
 * The content security policy of a response.
 *
 * @param scriptHashes Hashes of its inline scripts.
 */
export function contentSecurityPolicy(scriptHashes: readonly string[]): string {
  const scripts = ["'self'", ...scriptHashes.map((hash) => `'${hash}'`)].join(' ');
  return (
    `default-src 'none'; script-src ${scripts}; style-src 'self'; img-src 'self'; ` +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  );
}

/** Headers of every response. */
export const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': contentSecurityPolicy([]),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };
/** The first byte of a TLS connection: a record of type handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 22;

/** Sends a line of text as the response. */
export function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, TEXT);
  response.end(`${text}\n`);
}

/** A last response with a line of text, for a socket without a valid request. */
export function rawResponse(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const length = String(Buffer.byteLength(text) + 1);
  const all = { ...HEADERS, ...TEXT, ...headers, 'Content-Length': length, Connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const reason = STATUS_CODES[status] ?? '';
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n${text}\n`;
}

/** Why input is not a complete request. */
export interface Problem {
  readonly status: number;
  readonly text: string;
  readonly isTimeout: boolean;
}

/** The problem behind an error of Node's `clientError`; undefined if the connection has ended. */
export function problemOf(
  error: Error & { readonly code?: string; readonly rawPacket?: Buffer },
): Problem | undefined {
  const { code = '', rawPacket } = error;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, text: 'no complete request came in time', isTimeout: true };
  }
  if (!code.startsWith('HPE_')) return undefined;
  const [status, text] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'the headers are longer than 32 KiB: delete cookies of this host, or send fewer']
      : code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW'
        ? [413, 'the chunk extensions are too long: no body is read here']
        : [
            400,
            rawPacket?.[0] === TLS_HANDSHAKE ? NO_TLS : `expected a request of HTTP/1.1 (${code})`,
          ];
  return { status, text, isTimeout: false };
}

const NO_TLS =
  'expected HTTP, got TLS: use http://, or put a reverse proxy with TLS in front of this server';
