import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopback, type Endpoint } from './endpoint.js';

const COOKIE = 'vgpu-session';

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
  isForUs({ headers }: IncomingMessage): boolean {
    return !this.#isHostChecked || isLoopback(hostNameOf(headers.host));
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

  /** Whether a request brings the token itself: its sender may have the cookie. */
  bringsToken({ headers }: IncomingMessage): boolean {
    return this.#token !== undefined && isSame(headers.authorization, `Bearer ${this.#token}`);
  }

  /** For `Set-Cookie`. A browser sends it to this host only, and shows it to no script. */
  get cookie(): string {
    return `${COOKIE}=${this.#session}; Path=/; HttpOnly; SameSite=Lax`;
  }
}

/** In a time that does not tell how much of it is right. */
function isSame(given: string | undefined, expected: string): boolean {
  const [a, b] = [given ?? '', expected].map((text) =>
    createHmac('sha256', 'same length').update(text).digest(),
  );
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

/** Without the port; without brackets. */
function hostNameOf(header = ''): string {
  return header
    .replace(/:[0-9]*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}
