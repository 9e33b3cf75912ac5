import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopback, type Endpoint } from './endpoint.js';

const COOKIE = 'vgpu-session';
const TOKEN_HEADER = 'x-vgpu-token';

/** Who may see what. */
export class Access {
  readonly #token: string | undefined;
  readonly #isHostChecked: boolean;
  /** What a browser keeps in place of the token; the same after a restart. */
  readonly #session: string;

  constructor(endpoint: Endpoint, token: string | undefined) {
    this.#token = token;
    this.#isHostChecked = endpoint.kind === 'tcp' && token === undefined;
    this.#session = createHmac('sha256', token ?? '')
      .update('session of the page')
      .digest('base64url');
  }

  /**
   * Whether a request is for this server by its name. A page of somebody else's can have its own name
   * resolved to a loopback address, and so have a browser ask here; but the name stays in the request.
   * With a token that gains nothing, and behind a socket the names are the reverse proxy's.
   */
  isForUs(hostName: string): boolean {
    return !this.#isHostChecked || isLoopback(hostName);
  }

  /** Whether another site's page has a browser ask in the background. */
  isFromElsewhere({ headers }: IncomingMessage): boolean {
    const isNavigation = headers['sec-fetch-mode'] === 'navigate';
    return headers['sec-fetch-site'] === 'cross-site' && !isNavigation;
  }

  /** Whether a request brings the token, or the cookie that stands for it, where there is one. */
  isAllowed(request: IncomingMessage): boolean {
    if (this.#token === undefined || this.bringsToken(request)) return true;
    const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
    return cookies.some((cookie) => isSame(cookie, `${COOKIE}=${this.#session}`));
  }

  /**
   * Whether a request brings the token itself: its sender may have the cookie. There is a header of our own
   * for it, since a reverse proxy may want `Authorization` for itself.
   */
  bringsToken({ headers }: IncomingMessage): boolean {
    if (this.#token === undefined) return false;
    const own = headers[TOKEN_HEADER];
    const isOwn = typeof own === 'string' && isSame(own, this.#token);
    return isOwn || isSame(headers.authorization, `Bearer ${this.#token}`);
  }

  /**
   * For `Set-Cookie`. A browser shows it to no script, and sends it to this host only, below the folder of
   * what it has asked for (RFC 6265 section 5.1.4): that is ours, also below a reverse proxy's path.
   */
  get cookie(): string {
    return `${COOKIE}=${this.#session}; HttpOnly; SameSite=Lax`;
  }
}

/** In a time that does not tell how much of it is right. */
function isSame(given: string | undefined, expected: string): boolean {
  const [a, b] = [given ?? '', expected].map((text) =>
    createHmac('sha256', 'same length').update(text).digest(),
  );
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
