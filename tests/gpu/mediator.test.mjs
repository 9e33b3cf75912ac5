import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describe,
  gpuCount,
  itOnGpu,
  project,
  projectWith,
  run,
  temporaryDirectory,
} from './support.mjs';

/**
 * Has a mediator answer what is in the plain slots of VM 1, 2 and so on.
 *
 * @param {string[]} requests @param {string[]} flags @param {string} cwd
 */
async function serve(requests, flags, cwd = project) {
  const root = join(temporaryDirectory(), 'vgpu');
  for (const [i, request] of requests.entries()) {
    mkdirSync(join(root, `vm${i + 1}`), { recursive: true });
    writeFileSync(join(root, `vm${i + 1}`, 'request.txt'), `${request}\n`);
  }
  const program = join(cwd, 'node_modules/@vgpu/mediator/bundle/vgpu-mediator.cjs');
  const logging = ['--log-format', 'json'];
  const outcome = await run([program, '--root', root, '--once', ...logging, ...flags], { cwd });
  const answers = requests.map((_, i) =>
    readFileSync(join(root, `vm${i + 1}`, 'response.txt'), 'utf8').trim(),
  );
  const log = outcome.stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => /** @type {Record<string, unknown>} */ (JSON.parse(line)));
  return { ...outcome, answers, log };
}

void describe('a mediator with CUDA devices', () => {
  const numbers = Array.from({ length: 3000 }, (_, i) => i * 123_457);
  const requests = [
    'A:2:1:100:200',
    'A:2:2:2147483647:1',
    `B:0:3:${numbers.join(',')}:${numbers.map((n) => -n).join(',')}`,
  ];
  const sums = ['300', '-2147483648', numbers.map(() => 0).join(',')];

  for (const backend of ['auto', 'cuda']) {
    itOnGpu(`serves on all GPUs with --backend ${backend}`, async () => {
      const { status, answers, log, stderr } = await serve(requests, ['--backend', backend]);
      assert.deepEqual(answers, sums);
      assert.equal(status, 0, stderr);
      const ready = log.filter(({ message }) => message === 'device ready');
      assert.equal(ready.length, gpuCount);
      for (const { backend } of ready) assert.equal(backend, 'cuda');
    });
  }

  itOnGpu('refuses a GPU that does not exist', async () => {
    const { status, stderr } = await serve([], ['--backend', 'cuda', '--devices', '63']);
    assert.equal(status, 69);
    assert.match(stderr, /63/);
  });

  itOnGpu('reopens a lost device and continues', async () => {
    const requests = ['A:2:1:1:2', 'A:2:2:666001:1', 'A:1:3:666002:1', 'A:0:4:3:4'];
    const cwd = projectWith('faulty-kernels');
    const flags = ['--backend', 'cuda', '--devices', '0'];
    const { status, answers, stderr } = await serve(requests, flags, cwd);
    assert.equal(answers[0], '3');
    assert.match(answers[1] ?? '', /^ERROR:DEVICE_FAILED:.*CUDA_ERROR_/);
    assert.match(answers[2] ?? '', /^ERROR:DEVICE_FAILED:.*CUDA_ERROR_ILLEGAL_ADDRESS/);
    assert.equal(answers[3], '7');
    assert.equal(status, 0, stderr);
  });

  itOnGpu('takes a device that hangs out of service', async () => {
    const flags = ['--backend', 'cuda', '--devices', '0', '--exec-limit', '1000'];
    const requests = ['A:2:1:666003:1', 'A:1:2:3:4'];
    const { answers, status, stderr } = await serve(requests, flags, projectWith('faulty-kernels'));
    assert.match(answers[0] ?? '', /^ERROR:DEADLINE:/);
    assert.equal(answers[1], '7');
    assert.equal(status, 0, stderr);
  });
});

void describe('the demo', () => {
  itOnGpu('plays its scenarios on all GPUs', async (test) => {
    const { status, stdout, stderr } = await run(['gpu/demo.mjs', '--backend', 'cuda']);
    for (const line of stdout.trim().split('\n')) test.diagnostic(line);
    assert.ok(stdout.includes(`up to ${gpuCount} at the same time`), stdout);
    assert.match(stdout, /All as expected/, stderr);
    assert.equal(status, 0);
  });
});
