import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../telemetry/logger.js';
import type { Mediator } from '../mediator.js';
import { Access } from './access.js';
import { ASSETS, readAsset, type AssetName } from './assets.js';
import { cached } from './cached.js';
import { describeEndpoint, type Endpoint } from './endpoint.js';
import { HttpServer, type Handler, type Route } from './http-server.js';
import { Live } from './live.js';
import { Metrics } from './metrics.js';
import { contentSecurityPolicy, say } from './plain-answers.js';
import { obstaclesOf } from './readiness.js';

/**
 * What is computed for one client is given to all that ask within so many milliseconds, longer if it took
 * long.
 */
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
 * It lives in the mediator's process and must not hold it up: what grows with the number of VMs is computed
 * with requests served in between, and shared by all who ask within half a second.
 *
 * @throws MediatorError `HTTP_UNUSABLE`.
 */
export async function openHttp({ endpoint, token, mediator, logger }: HttpOptions): Promise<Http> {
  const metrics = await Metrics.create();
  const exposition = cached(SHARED_MS, () => metrics.exposition(mediator));
  const live = new Live(mediator);
  const routes: Record<string, Route> = {
    '/': { handle: asset('index.html'), refuse: asset('sign-in.html') },
    ...Object.fromEntries(
      ASSETS.map((name) => [`/${name}`, { isPublic: true, handle: asset(name) }]),
    ),
    '/events': {
      isStream: true,
      handle: (response) => {
        stream(live, response);
      },
    },
    '/metrics': {
      handle: async (response) => {
        const parts = await exposition();
        response.setHeader('Content-Type', metrics.contentType);
        await sendParts(response, parts);
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
        const obstacles = obstaclesOf(mediator.overview());
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
  const { type, content, scriptHashes } = readAsset(name);
  const policy = contentSecurityPolicy(scriptHashes);
  return (response) => {
    response.setHeader('Content-Type', type);
    response.setHeader('Content-Security-Policy', policy);
    response.end(content);
  };
}

/** As fast as they are read; nothing is copied for a client that takes its time. */
async function sendParts(response: ServerResponse, parts: readonly Buffer[]): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  response.setHeader('Content-Length', length);
  const isHead = response.req.method === 'HEAD';
  // A client that goes in between has what it wants.
  await pipeline(Readable.from(isHead ? [] : parts), response).catch(() => undefined);
}

function stream(live: Live, response: ServerResponse): void {
  if (response.req.method === 'HEAD') {
    response.end();
  } else if (!live.add(response)) {
    response.setHeader('Retry-After', '10');
    say(response, 503, 'too many look on already');
  }
}
