import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopback, type Endpoint } from './endpoint.js';

const COOKIE = 'vgpu-session';
const TOKEN_HEADER = 'x-vgpu-token';

/** Decides which requests are allowed. */
export class Access {
  readonly #token: string | undefined;
  readonly #isHostChecked: boolean;
  /** The value of the cookie, which stands for the token; the same after a restart. */
  readonly #session: string;

  constructor(endpoint: Endpoint, token: string | undefined) {
    this.#token = token;
    this.#isHostChecked = endpoint.kind === 'tcp' && token === undefined;
    this.#session = createHmac('sha256', token ?? '')
      .update('session of the page')
      .digest('base64url');
  }

  /**
   * Whether a request names this server as its host. A foreign page can have its own host name
   * resolve to a loopback address (DNS rebinding), and so have a browser send requests here; but
   * its name stays in the request. With a token that gains nothing, and behind a socket the names
   * are those of the reverse proxy.
   */
  isForUs(hostName: string): boolean {
    return !this.#isHostChecked || isLoopback(hostName);
  }

  /** Whether a page of another site has a browser send this request in the background. */
  isFromElsewhere({ headers }: IncomingMessage): boolean {
    const isNavigation = headers['sec-fetch-mode'] === 'navigate';
    return headers['sec-fetch-site'] === 'cross-site' && !isNavigation;
  }

  /** Whether a request has the token or its cookie, or none is required. */
  isAllowed(request: IncomingMessage): boolean {
    if (this.#token === undefined || this.hasToken(request)) return true;
    const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
    return cookies.some((cookie) => isSame(cookie, `${COOKIE}=${this.#session}`));
  }

  /**
   * Whether a request has the token itself; its sender gets the cookie. There is a header of our
   * own for the token, since a reverse proxy may use `Authorization` itself.
   */
  hasToken({ headers }: IncomingMessage): boolean {
    if (this.#token === undefined) return false;
    const own = headers[TOKEN_HEADER];
    const isOwn = typeof own === 'string' && isSame(own, this.#token);
    return isOwn || isSame(headers.authorization, `Bearer ${this.#token}`);
  }

  /**
   * The value of `Set-Cookie`. A browser hides the cookie from scripts, and sends it to this host
   * only, below the folder of the request's path (RFC 6265 section 5.1.4): that is ours, also below
   * a reverse proxy's path.
   */
  get cookie(): string {
    return `${COOKIE}=${this.#session}; HttpOnly; SameSite=Lax`;
  }
}

/** Compares in constant time. */
function isSame(given: string | undefined, expected: string): boolean {
  const [a, b] = [given ?? '', expected].map((text) =>
    createHmac('sha256', 'same length').update(text).digest(),
  );
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
