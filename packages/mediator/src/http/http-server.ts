import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '../logger.js';
import type { Access } from './access.js';
import type { Endpoint } from './endpoint.js';
import { listen } from './listen.js';

export type Handler = (response: ServerResponse) => void | Promise<void>;

export interface Route {
  readonly handle: Handler;
  /** Whether everybody may have it who reaches the server. */
  readonly isPublic?: boolean;
  /** What somebody gets who may not have it; by default a line that says so. */
  readonly refuse?: Handler;
}

export interface HttpServerOptions {
  readonly access: Access;
  /** By path. */
  readonly routes: Readonly<Record<string, Route>>;
  readonly logger: Logger;
}

/** What a client may take its time for, milliseconds, and bytes. */
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
} as const;
const MAX_CONNECTIONS = 64;
/** A connection on which nothing moves for so long is closed, milliseconds. */
const IDLE_MS = 30_000;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Gives what there is to see to those who may see it. Nothing can be changed here: it takes GET and HEAD,
 * and reads no body. Connections are few, and end when nothing moves on them.
 */
export class HttpServer {
  readonly #server: Server;
  readonly #access: Access;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor({ access, routes, logger }: HttpServerOptions) {
    this.#access = access;
    this.#routes = new Map(Object.entries(routes));
    this.#server = createServer(LIMITS, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        logger.error('a defect of the HTTP server', { error: (error as Error).stack });
        response.destroy();
      });
    });
    // Where no descriptor is left, a client that comes is turned away; that is for it to tell.
    this.#server.on('error', ({ message }) => logger.debug('HTTP server', { error: message }));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.timeout = IDLE_MS;
  }

  /**
   * Gives where it listens, with the port if that was to be any.
   *
   * @throws MediatorError `HTTP_UNUSABLE`.
   */
  listen(endpoint: Endpoint): Promise<Endpoint> {
    return listen(this.#server, endpoint);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const [path = ''] = (request.url ?? '').split('?', 1);
    const route = this.#routes.get(path);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      say(response, 405, 'only GET and HEAD are served');
    } else if (!this.#access.isForUs(request)) {
      say(response, 403, 'without a token, only loopback names such as localhost are answered');
    } else if (this.#access.isFromElsewhere(request)) {
      say(response, 403, "not for other sites' pages");
    } else if (route === undefined) {
      say(response, 404, `there are ${[...this.#routes.keys()].join(' ')}`);
    } else if (route.isPublic !== true && !this.#access.isAllowed(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer realm="vgpu-mediator"');
      response.statusCode = 401;
      if (route.refuse !== undefined) await route.refuse(response);
      else say(response, 401, 'expected the token: Authorization: Bearer <token>');
    } else {
      if (this.#access.bringsToken(request)) response.setHeader('Set-Cookie', this.#access.cookie);
      await route.handle(response);
    }
  }
}

/** Answers with a line of text. */
export function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}
