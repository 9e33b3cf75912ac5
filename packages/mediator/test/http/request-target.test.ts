import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openHttp, type Http } from '../../src/http/open-http.js';
import { Mediator } from '../../src/mediator.js';
import { exchange } from '../support/raw-http.js';
import { TestHost } from '../support/test-host.js';

let host: TestHost;
let http: Http;

beforeEach(async () => {
  host = new TestHost(Mediator);
  const endpoint = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const mediator = host.mediator([]);
  http = await openHttp({ endpoint, token: undefined, mediator, logger: host.logger });
});
afterEach(async () => {
  http.close();
  await host.close();
});

const LOCAL = 'Host: localhost\r\n';

test.each([
  ['GET /healthz', LOCAL, 200],
  ['GET /healthz?', LOCAL, 200],
  ['GET /healthz?a=/b?c&%20', LOCAL, 200],
  ['GET /%68ealth%7A', LOCAL, 200],
  ['GET http://localhost/healthz', LOCAL, 200],
  ['GET HTTP://LOCALHOST:9741/healthz?x', LOCAL, 200],
  ['GET https://[::1]:1/healthz', LOCAL, 200],
  ['GET http://127.0.0.1', LOCAL, 200],
  ['GET http://localhost?x', LOCAL, 200],
  ['HEAD http://localhost/healthz', LOCAL, 200],
  // The host of the target counts, not the header's.
  ['GET http://localhost/healthz', 'Host: evil.example\r\n', 200],
  ['GET http://evil.example/healthz', LOCAL, 403],
  ['GET http://localhost.evil.example/healthz', LOCAL, 403],
  ['GET http://localhost@evil.example/healthz', LOCAL, 400],
  ['GET http://evil.example#@localhost/healthz', LOCAL, 400],
  ['GET http:///healthz', LOCAL, 400],
  ['GET http://local host/healthz', LOCAL, 400],
  ['GET ftp://localhost/healthz', LOCAL, 400],
  ['GET http:/healthz', LOCAL, 400],
  ['GET healthz', LOCAL, 400],
  ['GET localhost:80', LOCAL, 400],
  ['GET *', LOCAL, 400],
  ['GET /healthz#x', LOCAL, 400],
  ['GET /%', LOCAL, 400],
  ['GET /%zz', LOCAL, 400],
  ['GET /a\\b', LOCAL, 400],
  ['GET /%ff', LOCAL, 404],
  ['GET /%00', LOCAL, 404],
  ['GET //healthz', LOCAL, 404],
  ['GET //localhost/healthz', LOCAL, 404],
  ['GET /x/../healthz', LOCAL, 404],
  ['GET /./healthz', LOCAL, 404],
  ['GET /%2e/healthz', LOCAL, 404],
  ['GET /%2fhealthz', LOCAL, 404],
  ['GET /healthz/', LOCAL, 404],
  ['OPTIONS *', LOCAL, 405],
  ['POST http://localhost/healthz', LOCAL, 405],
  ['CONNECT localhost:80', LOCAL, 405],
  ['TRACE /', LOCAL, 405],
  ['NONSENSE /', LOCAL, 400],
  ['GET /healthz', '', 400],
  ['GET http://localhost/healthz', '', 400],
  ['GET /healthz', `${LOCAL}Host: evil.example\r\n`, 400],
  ['GET /healthz', 'Host: localhost@evil.example\r\n', 400],
  ['GET /healthz', 'Host: local host\r\n', 400],
  ['GET /healthz', 'Host:\r\n', 403],
])('%s with %j gets %d', async (line, headers, status) => {
  const text = `${line} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;
  const got = await exchange(http.endpoint, text);
  const [head = '', body = ''] = got.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  // Whatever is wrong is said.
  if (!line.startsWith('HEAD')) expect(body).not.toBe('');
  if (status === 405) expect(head).toContain('\r\nAllow: GET, HEAD');
});

test('an old client that names no host is served by none of its name', async () => {
  expect(await exchange(http.endpoint, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 403 /);
});
