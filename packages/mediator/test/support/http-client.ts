import { request, type IncomingHttpHeaders } from 'node:http';
import type { Endpoint } from '../../src/http/endpoint.js';

export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/** Sends a request with any headers, including those that browsers and `fetch` forbid. */
export function ask(endpoint: Endpoint, path: string, asking: Asking = {}): Promise<Got> {
  const at = endpoint.kind === 'unix' ? { socketPath: endpoint.path } : endpoint;
  return new Promise((resolve, reject) => {
    const { host, port, socketPath } = {
      host: undefined,
      port: undefined,
      socketPath: undefined,
      ...at,
    };
    const asked = request({ host, port, socketPath, path, agent: false, ...asking }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The samples of an exposition, by name and labels as they are written. */
export function samplesOf(exposition: string): Map<string, number> {
  const lines = exposition.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}
