import type { ServerResponse } from 'node:http';
import type { Logger } from '../logger.js';
import type { Mediator } from '../mediator.js';
import { Access } from './access.js';
import { ASSETS, readAsset, type AssetName } from './assets.js';
import { cached } from './cached.js';
import { describeEndpoint, type Endpoint } from './endpoint.js';
import { HttpServer, say, type Handler, type Route } from './http-server.js';
import { Live } from './live.js';
import { Metrics } from './metrics.js';
import { obstaclesOf } from './readiness.js';

/** What is computed for one client is given to all that ask within so many milliseconds. */
const SHARED_MS = 500;

export interface HttpOptions {
  readonly endpoint: Endpoint;
  /** Who brings it may see everything; if undefined, everybody who reaches the endpoint. */
  readonly token: string | undefined;
  readonly mediator: Mediator;
  readonly logger: Logger;
}

/** What {@link openHttp} has opened. */
export interface Http {
  /** Where it listens, with the port if that was to be any. */
  readonly endpoint: Endpoint;
  close(): void;
}

/**
 * Shows a mediator over HTTP, from before its start to after its end: metrics, health, and a page.
 *
 * It lives in the mediator's process and must not hold it up: what is computed is bounded, and shared by
 * all who ask within half a second.
 *
 * @throws MediatorError `HTTP_UNUSABLE`.
 */
export async function openHttp({ endpoint, token, mediator, logger }: HttpOptions): Promise<Http> {
  const snapshot = cached(SHARED_MS, () => mediator.snapshot());
  const metrics = await Metrics.create();
  const exposition = cached(SHARED_MS, () => metrics.text(snapshot()));
  const live = new Live(snapshot, () => mediator.queueSnapshot());
  const routes: Record<string, Route> = {
    '/': { handle: asset('index.html'), refuse: asset('sign-in.html') },
    ...Object.fromEntries(
      ASSETS.map((name) => [`/${name}`, { isPublic: true, handle: asset(name) }]),
    ),
    '/events': {
      handle: (response) => {
        stream(live, response);
      },
    },
    '/metrics': {
      handle: async (response) => {
        const text = await exposition();
        response.setHeader('Content-Type', metrics.contentType);
        response.end(text);
      },
    },
    '/healthz': {
      isPublic: true,
      handle: (response) => {
        say(response, 200, 'ok');
      },
    },
    '/readyz': {
      isPublic: true,
      handle: (response) => {
        const obstacles = obstaclesOf(snapshot());
        if (obstacles.length === 0) say(response, 200, 'ok');
        else say(response, 503, obstacles.join('; '));
      },
    },
  };
  const server = new HttpServer({ access: new Access(endpoint, token), routes, logger });
  const listening = await server.listen(endpoint).catch((error: unknown) => {
    live.close();
    throw error;
  });
  mediator.observe(metrics);
  mediator.observe(live.latest);
  logger.info('serving metrics and the page', { http: describeEndpoint(listening) });
  return {
    endpoint: listening,
    close: () => {
      live.close();
      server.close();
    },
  };
}

function asset(name: AssetName): Handler {
  const { type, content } = readAsset(name);
  return (response) => {
    response.setHeader('Content-Type', type);
    response.end(content);
  };
}

function stream(live: Live, response: ServerResponse): void {
  if (response.req.method === 'HEAD') {
    response.end();
  } else if (!live.add(response)) {
    response.setHeader('Retry-After', '10');
    say(response, 503, 'too many look on already');
  }
}
