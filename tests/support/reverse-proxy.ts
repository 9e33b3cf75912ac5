import { once } from 'node:events';
import { createServer, request as ask, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves what a server has below a path, to those who bring a password: as nginx does with `auth_basic`. */
export class ReverseProxy {
  readonly #server: Server;
  /** What was asked for outside of the path. */
  readonly elsewhere: string[] = [];

  private constructor(target: string, prefix: string, authorization: string) {
    this.#server = createServer((request, response) => {
      const { method, headers, url = '' } = request;
      // A browser asks for it of its own accord.
      if (url === '/favicon.ico') {
        response.writeHead(204).end();
        return;
      }
      if (url !== prefix && !url.startsWith(`${prefix}/`)) {
        this.elsewhere.push(url);
        response.writeHead(404).end();
        return;
      }
      if (headers.authorization !== authorization) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="proxy"' }).end();
        return;
      }
      // Without the slash it is the same document, as many a configuration has it.
      const path = url.slice(prefix.length) || '/';
      const asked = ask(new URL(path, target), { method: method ?? 'GET', headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      asked.on('error', () => response.destroy());
      response.on('close', () => asked.destroy());
      asked.end();
    });
  }

  static async before(
    target: string,
    prefix: string,
    authorization: string,
  ): Promise<ReverseProxy> {
    const proxy = new ReverseProxy(target, prefix, authorization);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
