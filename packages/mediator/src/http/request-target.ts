import type { IncomingMessage } from 'node:http';

/** What a request asks for, and by which name. */
export interface RequestTarget {
  /** Percent-decoded, without the query; `*` for the server as a whole. */
  readonly path: string;
  /** The host that it names, in lower case, without port and brackets; empty if it names none. */
  readonly hostName: string;
}

/** What may stand in a target at all, with every `%` before two digits: RFC 3986, and what browsers leave in. */
const TARGET = /^(?:[!$&-;=?-[\]^_`a-z{|}~]|%[0-9a-f]{2})+$/i;
const ABSOLUTE = /^https?:\/\/([^/?]+)(\/[^?]*)?(?:\?.*)?$/i;
/** Without user information, which RFC 9110 section 4.2.4 has taken for an error. */
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|((?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})+))(?::[0-9]*)?$/i;

/**
 * Reads a request's target by RFC 9112 section 3.2: a path, or a URL as for a proxy, whose host then counts
 * in place of the header's; `*` with OPTIONS. A string says what is wrong with it.
 */
export function targetOf(request: RequestTargetSource): RequestTarget | string {
  const { method, url = '', httpVersion } = request;
  const hosts = request.headersDistinct['host'] ?? [];
  const [host] = hosts;
  // RFC 9112 section 3.2 wants one, also where the target has another.
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

/** What is no UTF-8 is no path that there is, and stays as it is. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
