import type { IncomingMessage } from 'node:http';

/** The path of a request, and the host that it names. */
export interface RequestTarget {
  /** Percent-decoded, without the query; `*` for the server as a whole. */
  readonly path: string;
  /** The host that it names, in lower case, without port and brackets; empty if it names none. */
  readonly hostName: string;
}

/**
 * The characters of a target, with two digits after every `%`: RFC 3986, and those that browsers do
 * not encode.
 */
const TARGET = /^(?:[!$&-;=?-[\]^_`a-z{|}~]|%[0-9a-f]{2})+$/i;
const ABSOLUTE = /^https?:\/\/([^/?]+)(\/[^?]*)?(?:\?.*)?$/i;
/** Without user information, which is an error by RFC 9110 section 4.2.4. */
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|((?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})+))(?::[0-9]*)?$/i;

/**
 * Reads a request's target by RFC 9112 section 3.2: a path, or a URL as for a proxy, whose host
 * then replaces that of the header; `*` with OPTIONS. Returns a text if the target is invalid.
 */
export function targetOf(request: RequestTargetSource): RequestTarget | string {
  const { method, url = '', httpVersion } = request;
  const hosts = request.headersDistinct['host'] ?? [];
  const [host] = hosts;
  // RFC 9112 section 3.2 requires one, also if the target has a host.
  if (hosts.length > 1) return 'expected one Host header, got several';
  if (host === undefined && httpVersion !== '1.0') return 'expected a Host header';
  const headerName = host === undefined || host === '' ? '' : hostNameOf(host);
  if (headerName === undefined) return 'expected a host name or address in the Host header';
  if (url === '*' && method === 'OPTIONS') return { path: url, hostName: headerName };
  if (!TARGET.test(url)) return 'expected a path, percent-encoded, such as /metrics';
  if (url.startsWith('/'))
    return { path: decoded(url.split('?', 1)[0] ?? ''), hostName: headerName };
  const [, authority = '', path = '/'] = ABSOLUTE.exec(url) ?? [];
  const hostName = hostNameOf(authority);
  if (hostName === undefined) return 'expected a path such as /metrics, or a URL of http';
  return { path: decoded(path), hostName };
}

type RequestTargetSource = Pick<
  IncomingMessage,
  'method' | 'url' | 'headersDistinct' | 'httpVersion'
>;

function hostNameOf(authority: string): string | undefined {
  const [, address, name] = AUTHORITY.exec(authority) ?? [];
  return (address ?? name)?.toLowerCase();
}

/** Invalid UTF-8 stays as it is: it is not the path of any route. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
