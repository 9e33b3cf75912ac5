import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from '@vgpu/mediator';
import { parseEndpoint } from '../packages/mediator/src/http/endpoint.js';
import { ask, samplesOf } from '../packages/mediator/test/support/http-client.js';
import {
  MediatorProcess,
  run,
  runClient,
  runMediator,
  TestRoot,
  until,
} from './support/processes.js';
import { describeIf } from './support/describe-if.js';
import { HeldDevice } from './support/held-device.js';

const deploy = resolve(import.meta.dirname, '../deploy');
const DASHBOARD = join(deploy, 'grafana/dashboard.json');
const ALERTS = join(deploy, 'prometheus/alerts.yml');
const TOKEN = 'a-token-of-some-length';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const describeWithPromtool = describeIf.bind(
  undefined,
  hasPromtool,
  'skipped: it needs promtool (apt-get install prometheus)',
);

/** Asks where the log says that it serves. */
function askMediator(
  mediator: MediatorProcess,
  path: string,
  headers: Record<string, string> = {},
) {
  const [line] = mediator.logged('serving metrics and the page');
  const [, address = ''] = /^(?:http:\/\/)?(.*?)\/?$/.exec(String(line?.['http'])) ?? [];
  const endpoint = parseEndpoint(address);
  if (endpoint === undefined) throw new Error(`expected an endpoint, got ${address}`);
  return ask(endpoint, path, { headers });
}

let root: TestRoot;
beforeEach(() => {
  root = new TestRoot([1, 2]);
});
afterEach(() => {
  root.remove();
});

/** The exposition of a mediator with a registered VM that has had answers, errors and resets. */
async function exposition(): Promise<string> {
  new Registry(`${root.path}-state`).set(1, { pool: 'B', priority: 2 });
  const mediator = await MediatorProcess.serving(root, '--http', '127.0.0.1:0', '--devices', '0,1');
  expect(await runClient(root, 1, '100', '200')).toMatchObject({ status: 0 });
  expect(await runClient(root, 2, '100', '200')).toMatchObject({ status: 0 });
  const { status, body } = await askMediator(mediator, '/metrics');
  expect(status).toBe(200);
  expect(await mediator.stop()).toBe(0);
  return body;
}

/** What an expression of PromQL names that may be a metric. */
function metricsIn(expression: string): string[] {
  return expression.match(/\b(?:vgpu|process|nodejs)_[a-z0-9_]+/g) ?? [];
}

describe('vgpu-mediator --http', () => {
  it('serves metrics, health and readiness, with every metric under its documented name', async () => {
    const samples = [...samplesOf(await exposition()).keys()];
    for (const sample of [
      'vgpu_requests_total{vm="1",pool="B",priority="high",outcome="OK"}',
      'vgpu_queue_depth{pool="A",priority="medium"}',
      'vgpu_queue_oldest_age_seconds{priority="low"}',
      'vgpu_request_wait_seconds_bucket{le="0.00001"}',
      'vgpu_request_duration_seconds_bucket{le="0.00001"}',
      'vgpu_device_execution_seconds_bucket{le="0.00001",device="0"}',
      'vgpu_device_busy_seconds_total{device="1"}',
      'vgpu_vm_device_seconds_total{vm="2"}',
      'vgpu_claims_overridden_total{vm="1"}',
      'vgpu_device_resets_total',
      'process_cpu_seconds_total',
    ]) {
      expect(samples).toContain(sample);
    }
    expect(samples.join('\n')).toContain('vgpu_build_info{version="');
  });

  it('is off by default', async () => {
    const mediator = await MediatorProcess.serving(root);
    expect(mediator.logged('serving metrics and the page')).toEqual([]);
    await mediator.stop();
  });

  it('tells that it stops while the last request is still on a device', async () => {
    const device = new HeldDevice(root);
    const flags = ['--http', '[::1]:0', '--exec-limit', '600000', '--log-level', 'debug'];
    const mediator = await MediatorProcess.serving(root, ...flags);
    expect(await askMediator(mediator, '/readyz')).toMatchObject({ status: 200, body: 'ok\n' });
    root.drop(1, 'x', 'A:1:1:1:2\n');
    await until(() => mediator.logged('request on the device').length === 1, 'a busy device');
    mediator.signal('SIGTERM');
    const stopping = { status: 503, body: 'it is stopping\n' };
    let answer = await askMediator(mediator, '/readyz');
    while (answer.status === 200) answer = await askMediator(mediator, '/readyz');
    expect(answer).toMatchObject(stopping);
    device.release();
    expect(await mediator.exited).toBe(0);
    await expect(askMediator(mediator, '/healthz')).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
  });

  it('needs a token at an address that others reach, whatever else is wrong', async () => {
    const flags = ['--root', root.path, '--backend', 'cpu'];
    const refused = await runMediator(...flags, '--http', '0.0.0.0:0');
    expect(refused).toMatchObject({ status: 78, stdout: '' });
    expect(refused.stderr).toMatch(/^vgpu-mediator: --http: .*0\.0\.0\.0.*VGPU_HTTP_TOKEN.*\n$/);
    root.launch = { env: { VGPU_HTTP: '0.0.0.0:0', VGPU_HTTP_TOKEN: TOKEN } };
    const mediator = await MediatorProcess.serving(root);
    expect(JSON.stringify(mediator.log)).not.toContain(TOKEN);
    expect((await askMediator(mediator, '/metrics')).status).toBe(401);
    const bearer = { Authorization: `Bearer ${TOKEN}` };
    expect((await askMediator(mediator, '/metrics', bearer)).status).toBe(200);
    expect(await mediator.stop()).toBe(0);
  });

  it('ends at once if it cannot listen, and says what to do', async () => {
    const socket = join(root.base, 'http.sock');
    const first = await MediatorProcess.serving(root, '--http', `unix:${socket}`);
    const other = new TestRoot();
    const second = new MediatorProcess(other, '--http', `unix:${socket}`);
    expect(await second.exited).toBe(69);
    expect(second.complaints.join('\n')).toMatch(
      /EADDRINUSE.*stop the program that uses it, or give another endpoint with --http/,
    );
    expect((await askMediator(first, '/healthz')).status).toBe(200);
    first.signal('SIGKILL');
    await first.exited;
    const third = await MediatorProcess.serving(root, '--http', `unix:${socket}`);
    expect(await third.stop()).toBe(0);
    other.remove();
  });
});

describe('the deployed files', () => {
  it.each([
    ['the dashboard', DASHBOARD],
    ['the alerts', ALERTS],
  ])('names none but metrics that there are: %s', async (_what, path) => {
    const text = readFileSync(path, 'utf8');
    const names = new Set(metricsIn(text));
    expect(names.size).toBeGreaterThan(5);
    const samples = samplesOf(await exposition());
    const known = new Set([...samples.keys()].map((sample) => sample.replace(/\{.*/, '')));
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
  });

  it('selects by labels that there are', async () => {
    const samples = [...samplesOf(await exposition()).keys()];
    const texts = [DASHBOARD, ALERTS].map((path) =>
      readFileSync(path, 'utf8').replaceAll('\\"', '"'),
    );
    const selectors = texts.flatMap((text) => [
      ...text.matchAll(/\b((?:vgpu)_[a-z0-9_]+)\{([^}]*)\}/g),
    ]);
    expect(selectors.length).toBeGreaterThan(5);
    for (const [, name = '', labels = ''] of selectors) {
      for (const [, label = ''] of labels.matchAll(/(\w+)(?:=|!)/g)) {
        // Prometheus itself adds those of the target.
        if (label === 'instance' || label === 'job') continue;
        expect(samples.some((s) => s.startsWith(`${name}{`) && s.includes(`${label}="`))).toBe(
          true,
        );
      }
    }
  });
});

describeWithPromtool('promtool', () => {
  it('finds nothing in the exposition', async () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await exposition(),
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('takes the rules and the configuration, and the alerts come when they are to', async () => {
    const inPrometheus = (...args: string[]) =>
      run('promtool', args, { cwd: join(deploy, 'prometheus') });
    expect(await inPrometheus('check', 'rules', 'alerts.yml')).toMatchObject({ status: 0 });
    expect(await inPrometheus('check', 'config', 'prometheus.yml')).toMatchObject({ status: 0 });
    const tested = await inPrometheus('test', 'rules', 'alerts.test.yml');
    expect(tested).toMatchObject({ status: 0, stdout: expect.stringContaining('SUCCESS') });
  });
});
