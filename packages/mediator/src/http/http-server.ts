import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../telemetry/logger.js';
import type { Access } from './access.js';
import { Connections } from './connections.js';
import type { Endpoint } from './endpoint.js';
import { listen } from './listen.js';
import { HEADERS, problemOf, rawAnswer, say } from './plain-answers.js';
import { targetOf } from './request-target.js';

export type Handler = (response: ServerResponse) => void | Promise<void>;

export interface Route {
  readonly handle: Handler;
  /** Whether everybody may have it who reaches the server. */
  readonly isPublic?: boolean;
  /** Whether its response goes on, and limits by itself how many there are. */
  readonly isStream?: boolean;
  /** What somebody gets who may not have it; by default a line that says so. */
  readonly refuse?: Handler;
}

export interface HttpServerOptions {
  readonly access: Access;
  /** By path. */
  readonly routes: Readonly<Record<string, Route>>;
  readonly logger: Logger;
}

/**
 * What a client may take its time for, milliseconds, and bytes: of headers twice what Node takes, since a
 * browser sends the cookies of all services of a host, whatever their ports.
 */
const LIMITS = {
  maxHeaderSize: 32_768,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  // Ours says what is wrong.
  requireHostHeader: false,
} as const;
/** A connection on which nothing moves for so long is closed, milliseconds. */
const IDLE_MS = 30_000;

const EXPECTED_TOKEN =
  'expected the token: Authorization: Bearer <token>, or X-Vgpu-Token: <token>';
const NOT_SERVED = 'only GET and HEAD are served';
const ALLOW = { Allow: 'GET, HEAD' };

/**
 * Gives what there is to see to those who may see it. Nothing can be changed here: it takes GET and HEAD,
 * and reads no body. Connections are few, and end when nothing moves on them.
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
   * Gives where it listens, with the port if that was to be any.
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
      this.#connections.answer(response);
      this.#answer(request, response).catch((error: unknown) => {
        this.#logger.error('a defect of the HTTP server', { error: (error as Error).stack });
        response.destroy();
      });
    });
    server.timeout = IDLE_MS;
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
    });
    // Where no descriptor is left, a client that comes is turned away; that is for it to tell.
    server.on('error', ({ message }) => this.#logger.debug('HTTP server', { error: message }));
    server.on('clientError', (error: Error, socket: Socket) => {
      this.#answerBroken(error, socket);
    });
    server.on('connect', (_request, socket) => {
      socket.on('error', () => undefined);
      socket.end(rawAnswer(405, NOT_SERVED, ALLOW), () => socket.destroy());
    });
    return server;
  }

  /** Of what can't be read as a request. */
  #answerBroken(error: Error, socket: Socket): void {
    const problem = problemOf(error);
    if (problem === undefined || this.#connections.isAnswered(socket)) socket.destroy();
    // The rest of it is read until its sender has the answer, or time is up: else that would get lost.
    else if (socket.writable) socket.end(rawAnswer(problem.status, problem.text));
    else if (problem.isTimeout) socket.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
      say(response, 403, 'without a token, only loopback names such as localhost are answered');
    } else if (this.#access.isFromElsewhere(request)) {
      say(response, 403, "not for other sites' pages");
    } else if (route === undefined) {
      say(response, 404, `there are ${[...this.#routes.keys()].join(' ')}`);
    } else if (route.isPublic !== true && !this.#access.isAllowed(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer realm="vgpu-mediator"');
      response.statusCode = 401;
      if (route.refuse !== undefined) await route.refuse(response);
      else say(response, 401, EXPECTED_TOKEN);
    } else {
      if (this.#access.bringsToken(request)) response.setHeader('Set-Cookie', this.#access.cookie);
      if (route.isStream === true) this.#connections.leave(response);
      await route.handle(response);
    }
  }
}
