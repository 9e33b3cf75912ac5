import { renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Endpoint } from '../../src/http/endpoint.js';
import { openHttp, type Http } from '../../src/http/open-http.js';
import { Mediator } from '../../src/mediator.js';
import { Registry } from '../../src/state/registry.js';
import { FakeHungAdder, FakeManualAdder, LOST } from '../support/fakes.js';
import { ask, samplesOf, type Asking } from '../support/http-client.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestHost } from '../support/test-host.js';
import { until } from '../support/until.js';
import { named } from '../support/vm-files.js';

const LOOPBACK: Endpoint = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const TOKEN = 'correct-horse-battery';

let host: TestHost;
let opened: Http[];

beforeEach(() => {
  host = new TestHost(Mediator);
  opened = [];
});

afterEach(async () => {
  for (const http of opened) http.close();
  expect(await host.close()).toEqual({ open: [], watches: 0 });
});

async function open(
  mediator: Mediator,
  { endpoint = LOOPBACK, token }: { endpoint?: Endpoint; token?: string } = {},
): Promise<Http> {
  const http = await openHttp({ endpoint, token, mediator, logger: host.logger });
  opened.push(http);
  return http;
}

/** Waits until results are computed again: they are shared for half a second. */
async function askUntil(http: Http, path: string, isIt: (body: string) => boolean) {
  for (;;) {
    const { body } = await ask(http.endpoint, path);
    if (isIt(body)) return body;
    await sleep(20);
  }
}

describe('readiness', () => {
  test('is told by words and status, from before the start to after the end', async () => {
    let openDevice: (() => void) | undefined;
    const mediator = host.mediator([], {
      devices: [
        () =>
          new Promise((resolve) => {
            openDevice = () => {
              resolve(new FakeManualAdder());
            };
          }),
      ],
    });
    const http = await open(mediator);
    expect(await ask(http.endpoint, '/readyz')).toMatchObject({
      status: 503,
      body: 'it is starting; no device works\n',
    });
    expect(await ask(http.endpoint, '/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    const starting = mediator.start();
    await until('the device is asked for', () => openDevice !== undefined);
    openDevice?.();
    await starting;
    expect(await askUntil(http, '/readyz', (body) => body === 'ok\n')).toBe('ok\n');
    renameSync(host.root, `${host.root}-away`);
    writeFileSync(host.root, '');
    await askUntil(http, '/readyz', (body) => body === 'the root cannot be read\n');
    await mediator.stop();
    await askUntil(http, '/readyz', (body) => body.startsWith('it is stopping; no device works'));
  });

  test('is lost with the last device', async () => {
    const mediator = await host.start([new FakeHungAdder()], {
      execLimitMs: 1,
      devices: [
        () =>
          host.logger.of('device ready').length === 0
            ? Promise.resolve(new FakeHungAdder())
            : Promise.reject(new Error('gone')),
      ],
    });
    const http = await open(mediator);
    expect((await ask(http.endpoint, '/readyz')).status).toBe(200);
    host.vm(1).put(named('x'), 'A:2:1:1:1\n');
    await askUntil(http, '/readyz', (body) => body === 'no device works\n');
    expect((await ask(http.endpoint, '/healthz')).status).toBe(200);
  });
});

describe('metrics', () => {
  test('count what became of requests', async () => {
    const registry = new Registry(host.stateDir);
    registry.set(1, { pool: 'B', priority: 0 });
    const adder = new FakeManualAdder();
    const mediator = host.mediator([adder]);
    const http = await open(mediator);
    await mediator.start();
    const files = host.vm(1);
    files.put(named('lost'), 'A:2:1:1:1\n');
    await until('it is on the device', () => adder.inFlight === 1);
    adder.fail(LOST);
    await until('it is on the device again', () => adder.inFlight === 1);
    files.put(named('waits'), 'B:0:1:1:1\n');
    host.vm(2).put(named('bad'), 'A:2:2:1:x\n');
    await until('one waits', () => mediator.queued === 1);
    await until('one is rejected', () => mediator.statistics().requests === 1);
    const before = samplesOf(await askUntil(http, '/metrics', (body) => body.includes('BAD_REQ')));
    const requests = 'vgpu_requests_total';
    expect(Object.fromEntries(before)).toMatchObject({
      // So that the first one is an increase.
      [`${requests}{vm="1",pool="B",priority="low",outcome="OK"}`]: 0,
      [`${requests}{vm="2",pool="unknown",priority="unknown",outcome="BAD_REQUEST"}`]: 1,
      'vgpu_queue_depth{pool="B",priority="low"}': 1,
      'vgpu_queue_depth{pool="A",priority="high"}': 0,
      'vgpu_queue_oldest_age_seconds{priority="high"}': 0,
      'vgpu_queue_oldest_age_seconds{priority="low"}': expect.any(Number),
      'vgpu_device_up{device="0"}': 1,
      'vgpu_pool_up{pool="A"}': 1,
      'vgpu_pool_up{pool="B"}': 1,
      vgpu_device_resets_total: 1,
      'vgpu_claims_overridden_total{vm="1"}': 0,
      'vgpu_vm_device_seconds_total{vm="1"}': 0,
    });
    expect(before.get('vgpu_queue_oldest_age_seconds{priority="low"}')).toBeGreaterThan(0);
    registry.setPoolDevices('A', [7]);
    mediator.reloadRegistry();
    expect(
      samplesOf(await askUntil(http, '/metrics', (body) => body.includes('A"} 0'))).get(
        'vgpu_pool_up{pool="B"}',
      ),
    ).toBe(1);
    adder.finish();
    await until('the other is on the device', () => adder.inFlight === 1);
    adder.finish();
    await until('both are answered', () => host.served.length === 2);
    const after = samplesOf(await askUntil(http, '/metrics', (body) => body.includes('OK"} 2')));
    expect(Object.fromEntries(after)).toMatchObject({
      [`${requests}{vm="1",pool="B",priority="low",outcome="OK"}`]: 2,
      vgpu_request_wait_seconds_count: 2,
      vgpu_request_duration_seconds_count: 2,
      'vgpu_request_wait_seconds_bucket{le="0.00001"}': expect.any(Number),
      'vgpu_device_execution_seconds_count{device="0"}': 2,
      'vgpu_claims_overridden_total{vm="1"}': 1,
      'vgpu_queue_depth{pool="B",priority="low"}': 0,
      vgpu_device_resets_total: 1,
      [`vgpu_build_info{version="${mediator.snapshot().version}",node="${process.version}"}`]: 1,
    });
    const busy = after.get('vgpu_device_busy_seconds_total{device="0"}') ?? 0;
    const ofVm = after.get('vgpu_vm_device_seconds_total{vm="1"}') ?? 0;
    expect(ofVm).toBeGreaterThan(0);
    expect(busy).toBeGreaterThanOrEqual(ofVm);
    expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  });
});

describe('the server', () => {
  const answered = async (asking: Asking & { path?: string }, token?: string) => {
    const http = await open(host.mediator([]), token === undefined ? {} : { token });
    const { path = '/metrics', ...rest } = asking;
    return ask(http.endpoint, path, rest);
  };

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does not serve %s', async (method) => {
    const { status, headers } = await answered({ method });
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
  });

  test('serves HEAD as GET, without a body', async () => {
    const { status, headers, body } = await answered({ method: 'HEAD' });
    expect([status, body]).toEqual([200, '']);
    expect(headers['content-type']).toMatch(/^text\/plain; version=/);
  });

  test.each(['/x', '/metrics/', '//metrics', '/../etc/passwd', '/%2e%2e/', '/__proto__'])(
    'knows no %s',
    async (path) => {
      const { status, body } = await answered({ path });
      expect(status).toBe(404);
      expect(body).toContain('/metrics');
    },
  );

  test('refuses pages of other sites, by host name or origin', async () => {
    for (const name of [
      'evil.example',
      'evil.example:9741',
      '10.0.0.1',
      'localhost.evil.example',
    ]) {
      expect((await answered({ headers: { Host: name } })).status).toBe(403);
    }
    for (const name of ['localhost', 'LOCALHOST:1', '127.0.0.1:9741', '[::1]:9741']) {
      expect((await answered({ headers: { Host: name } })).status).toBe(200);
    }
    const elsewhere = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' };
    expect((await answered({ headers: elsewhere })).status).toBe(403);
    const link = { ...elsewhere, 'Sec-Fetch-Mode': 'navigate' };
    expect((await answered({ headers: link })).status).toBe(200);
  });

  test('says what a browser may do with what it gives', async () => {
    const { headers } = await answered({});
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; /);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('with a token serves those who bring it, by whatever name, and health to all', async () => {
    const as = (authorization?: string, path = '/metrics') => {
      const headers = {
        Host: 'gpu.example',
        ...(authorization && { Authorization: authorization }),
      };
      return answered({ headers, path }, TOKEN);
    };
    expect((await as(`Bearer ${TOKEN}`)).status).toBe(200);
    for (const wrong of [
      undefined,
      'Bearer',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      TOKEN,
    ]) {
      const { status, headers, body } = await as(wrong);
      expect(status).toBe(401);
      expect(headers['www-authenticate']).toMatch(/^Bearer /);
      expect(headers['set-cookie']).toBeUndefined();
      expect(body).not.toContain('vgpu_');
    }
    for (const path of ['/healthz', '/readyz']) {
      expect((await as(undefined, path)).status).not.toBe(401);
    }
  });

  test('gives a browser a cookie in place of the token, which counts after a restart', async () => {
    const { headers } = await answered({ headers: { Authorization: `Bearer ${TOKEN}` } }, TOKEN);
    const [given = ''] = headers['set-cookie'] ?? [];
    expect(given).toMatch(/^vgpu-session=[\w-]{43}; HttpOnly; SameSite=Lax$/);
    expect(given).not.toContain(TOKEN);
    const [cookie = ''] = given.split(';');
    const statusWith = async (value: string, token = TOKEN) =>
      (await answered({ headers: { Cookie: value } }, token)).status;
    expect(await statusWith(cookie)).toBe(200);
    expect(await statusWith(`a=b; ${cookie}; c=d`)).toBe(200);
    expect(await statusWith(cookie, `${TOKEN}-new`)).toBe(401);
    expect(await statusWith(`${cookie}x`)).toBe(401);
    expect(await statusWith(`vgpu-session=${TOKEN}`)).toBe(401);
  });

  test('listens at a socket for its group, and replaces one that was abandoned', async () => {
    const path = join(temporaryDirectory(), 'http.sock');
    const endpoint: Endpoint = { kind: 'unix', path };
    const first = await open(host.mediator([]), { endpoint });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect((await ask(endpoint, '/healthz', { headers: { Host: 'any' } })).status).toBe(200);
    const taken = expect.objectContaining({
      code: 'HTTP_UNUSABLE',
      message: expect.stringContaining('stop the program that uses it, or give another endpoint'),
    });
    await expect(open(host.mediator([]), { endpoint })).rejects.toThrow(taken);
    expect((await ask(endpoint, '/healthz')).status).toBe(200);
    first.close();
  });

  test('does not replace a file that is not a socket', async () => {
    const path = join(temporaryDirectory(), 'file');
    writeFileSync(path, 'precious');
    const unusable = expect.objectContaining({ code: 'HTTP_UNUSABLE' });
    const endpoint: Endpoint = { kind: 'unix', path };
    await expect(open(host.mediator([]), { endpoint })).rejects.toThrow(unusable);
    expect(statSync(path).size).toBe(8);
  });
});
