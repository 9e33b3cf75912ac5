import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../telemetry/logger.js';
import type { Mediator } from '../mediator.js';
import { Access } from './access.js';
import { ASSETS, readAsset, type AssetName } from './assets.js';
import { cached } from './shared-work.js';
import { describeEndpoint, type Endpoint } from './endpoint.js';
import { HttpServer, type Handler, type Route } from './http-server.js';
import { Live } from './live.js';
import { Metrics } from './metrics.js';
import { contentSecurityPolicy, say } from './plain-responses.js';
import { obstaclesOf } from './readiness.js';

/**
 * A result is shared by all clients within this time, in milliseconds; longer if it took long to compute.
 */
const SHARED_MS = 500;

export interface HttpOptions {
  readonly endpoint: Endpoint;
  /** The token that clients need; undefined if they need none. */
  readonly token: string | undefined;
  readonly mediator: Mediator;
  readonly logger: Logger;
}

/** The server that {@link openHttp} has started. */
export interface Http {
  /** The endpoint with its actual port. */
  readonly endpoint: Endpoint;
  close(): void;
}

/**
 * Serves metrics, health and a page of a mediator over HTTP, from before its start until after its end.
 *
 * It runs in the mediator's process and must not block it: work that grows with the number of VMs
 * is done in small steps between requests, and its result is shared by all clients within half a
 * second.
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

/** Sends parts as fast as they are read; a slow client causes no copies. */
async function sendParts(response: ServerResponse, parts: readonly Buffer[]): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  response.setHeader('Content-Length', length);
  const isHead = response.req.method === 'HEAD';
  // The client may disconnect early.
  await pipeline(Readable.from(isHead ? [] : parts), response).catch(() => undefined);
}

function stream(live: Live, response: ServerResponse): void {
  if (response.req.method === 'HEAD') {
    response.end();
  } else if (!live.add(response)) {
    response.setHeader('Retry-After', '10');
    say(response, 503, 'too many clients are connected');
  }
}
