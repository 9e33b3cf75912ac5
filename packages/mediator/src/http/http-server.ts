import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../telemetry/logger.js';
import type { Access } from './access.js';
import { Connections } from './connections.js';
import type { Endpoint } from './endpoint.js';
import { listen } from './listen.js';
import { HEADERS, problemOf, rawResponse, say } from './plain-responses.js';
import { targetOf } from './request-target.js';

export type Handler = (response: ServerResponse) => void | Promise<void>;

export interface Route {
  readonly handle: Handler;
  /** Whether it needs no token. */
  readonly isPublic?: boolean;
  /** Whether its response is a stream, which limits the number of its clients itself. */
  readonly isStream?: boolean;
  /** The response to clients without the token; by default a line of text. */
  readonly refuse?: Handler;
}

export interface HttpServerOptions {
  readonly access: Access;
  /** By path. */
  readonly routes: Readonly<Record<string, Route>>;
  readonly logger: Logger;
}

/**
 * Limits of time, in milliseconds, and of size, in bytes. Headers may be twice as long as by Node's
 * default, since a browser sends the cookies of all services of a host, whatever their ports.
 */
const LIMITS = {
  maxHeaderSize: 32_768,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  // Our own check has a message.
  requireHostHeader: false,
} as const;
/** An idle connection is closed after this time, in milliseconds. */
const IDLE_MS = 30_000;

const EXPECTED_TOKEN =
  'expected the token: Authorization: Bearer <token>, or X-Vgpu-Token: <token>';
const NOT_SERVED = 'only GET and HEAD are served';
const ALLOW = { Allow: 'GET, HEAD' };

/**
 * Serves routes to clients that have access. It is read-only: it accepts GET and HEAD, and reads no
 * body. The number of connections is limited, and idle ones are closed.
 */
export class HttpServer {
  readonly #access: Access;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #logger: Logger;
  readonly #connections = new Connections();
  /** One for each address. */
  #servers: readonly Server[] = [];

  constructor({ access, routes, logger }: HttpServerOptions) {
    this.#access = access;
    this.#routes = new Map(Object.entries(routes));
    this.#logger = logger;
  }

  /**
   * Listens, and returns the endpoint with its actual port.
   *
   * @throws MediatorError `HTTP_UNUSABLE`.
   */
  async listen(endpoint: Endpoint): Promise<Endpoint> {
    const listening = await listen(() => this.#create(), endpoint, this.#logger);
    this.#servers = listening.servers;
    return listening.endpoint;
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  #create(): Server {
    const server = createServer(LIMITS, (request, response) => {
      this.#connections.respond(response);
      this.#respond(request, response).catch((error: unknown) => {
        this.#logger.error('a defect of the HTTP server', { error: (error as Error).stack });
        response.destroy();
      });
    });
    server.timeout = IDLE_MS;
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
    });
    // Without a free descriptor a new client is refused; the client notices that itself.
    server.on('error', ({ message }) => this.#logger.debug('HTTP server', { error: message }));
    server.on('clientError', (error: Error, socket: Socket) => {
      this.#respondToBroken(error, socket);
    });
    server.on('connect', (_request, socket) => {
      socket.on('error', () => undefined);
      socket.end(rawResponse(405, NOT_SERVED, ALLOW), () => socket.destroy());
    });
    return server;
  }

  /** Responds to input that is not a valid request. */
  #respondToBroken(error: Error, socket: Socket): void {
    const problem = problemOf(error);
    if (problem === undefined || this.#connections.isResponding(socket)) socket.destroy();
    // The rest of the input is read until the client has the response or its time is up: a reset
    // would discard it.
    else if (socket.writable) socket.end(rawResponse(problem.status, problem.text));
    else if (problem.isTimeout) socket.destroy();
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const target = targetOf(request);
    if (typeof target === 'string') {
      say(response, 400, target);
      return;
    }
    const route = this.#routes.get(target.path);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', ALLOW.Allow);
      say(response, 405, NOT_SERVED);
    } else if (!this.#access.isForUs(target.hostName)) {
      say(response, 403, 'without a token, only loopback names such as localhost are served');
    } else if (this.#access.isFromElsewhere(request)) {
      say(response, 403, 'requests of pages of other sites are refused');
    } else if (route === undefined) {
      say(response, 404, `not found: expected one of ${[...this.#routes.keys()].join(' ')}`);
    } else if (route.isPublic !== true && !this.#access.isAllowed(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer realm="vgpu-mediator"');
      response.statusCode = 401;
      if (route.refuse !== undefined) await route.refuse(response);
      else say(response, 401, EXPECTED_TOKEN);
    } else {
      if (this.#access.hasToken(request)) response.setHeader('Set-Cookie', this.#access.cookie);
      if (route.isStream === true) this.#connections.release(response);
      await route.handle(response);
    }
  }
}
