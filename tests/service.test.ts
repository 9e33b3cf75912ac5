import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  environment,
  MEDIATOR,
  MediatorProcess,
  run,
  runClient,
  runMediator,
  TestRoot,
  until,
} from './support/processes.js';
import { HeldDevice } from './support/held-device.js';
import { testAsRoot } from './support/describe-if.js';

describe('vgpu-mediator as a service', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot([1, 2]);
  });
  afterEach(() => {
    root.remove();
  });

  it('serves a client, in the words of the README', async () => {
    const mediator = await MediatorProcess.serving(root);
    expect(await runClient(root, 1, '100', '200')).toEqual({
      status: 0,
      stdout: '300\n',
      stderr: '',
    });
    const list = ['2147483647,-5,0', '1,3,0', '--priority', 'high', '--pool', 'B', '--json'];
    const { stdout } = await runClient(root, 2, ...list);
    expect(JSON.parse(stdout)).toMatchObject({ sum: [-2147483648, -2, 0], priority: 2, pool: 'B' });
    expect((await runClient(root, 2, '-5', '3', '--plain')).stdout).toBe('-2\n');
    expect(await mediator.finished(3)).toMatchObject([
      { level: 'info', vm: 1, pool: 'A', priority: 1, seq: 1, outcome: 'OK' },
      { level: 'info', vm: 2, pool: 'B', priority: 2, seq: 2, outcome: 'OK' },
      { level: 'info', vm: 2, slot: '.', seq: 3, outcome: 'OK' },
    ]);
    expect(await mediator.stop()).toBe(0);
  });

  it('finishes the operation on the device at the first signal, and leaves the rest', async () => {
    const device = new HeldDevice(root);
    const mediator = await MediatorProcess.serving(
      root,
      '--exec-limit=600000',
      '--log-level=debug',
    );
    root.drop(1, 'first', 'A:1:1:100:200\n');
    await until(
      () => mediator.logged('request on the device').length === 1,
      'the first request to be on the device',
    );
    root.drop(2, 'second', 'A:1:2:100:200\n');
    await until(
      () => mediator.logged('request queued').length === 2,
      'the second request to be in the queue',
    );
    mediator.signal('SIGTERM');
    await until(() => mediator.logged('stopping').length === 1, 'the signal');
    device.release();
    expect(await mediator.exited).toBe(0);
    expect(readFileSync(root.in(1, 'response-first.txt'), 'utf8')).toBe('300\n');
    expect(existsSync(root.in(1, 'request-first.txt'))).toBe(false);
    expect(existsSync(root.in(2, 'request-second.txt'))).toBe(true);
    expect(existsSync(root.in(2, 'response-second.txt'))).toBe(false);
  });

  it('ends at once at the second signal', async () => {
    new HeldDevice(root);
    const mediator = await MediatorProcess.serving(
      root,
      '--exec-limit=600000',
      '--log-level=debug',
    );
    root.drop(1, 'x', 'A:1:1:100:200\n');
    await until(() => mediator.logged('request on the device').length === 1, 'a busy device');
    mediator.signal('SIGTERM');
    await until(() => mediator.logged('stopping').length === 1, 'the first signal');
    mediator.signal('SIGINT');
    expect(await mediator.exited).toBe(130);
    expect(existsSync(root.in(1, 'request-x.txt'))).toBe(true);
  });

  it('refuses a second mediator, but not one after a kill', async () => {
    const first = await MediatorProcess.serving(root);
    const second = await runMediator('--root', root.path, '--backend', 'cpu');
    expect(second.status).toBe(69);
    expect(second.stderr).toMatch(
      /^vgpu-mediator: process \d+ \(.*vgpu-mediator.*\) holds .*vgpu-state\/lock; .*\n$/,
    );
    first.signal('SIGKILL');
    await first.exited;
    const third = await MediatorProcess.serving(root);
    expect(await third.stop()).toBe(0);
  });

  it('refuses a second mediator on the same root, whatever its state directory', async () => {
    const first = await MediatorProcess.serving(root);
    const flags = ['--root', root.path, '--state-dir', `${root.path}-other`, '--backend', 'cpu'];
    const second = await runMediator(...flags);
    expect(second).toMatchObject({ status: 69, stdout: '' });
    expect(second.stderr).toContain(`process ${first.pid} (`);
    expect(second.stderr).toContain(`holds ${root.path}/.vgpu-mediator.lock`);
    expect(await first.stop()).toBe(0);
  });

  it('keeps its own directory out of reach', async () => {
    const before = readdirSync(root.path);
    for (const stateDir of [root.path, root.in(1), root.in(1, 'state/below')]) {
      const flags = ['--root', root.path, '--state-dir', stateDir, '--backend', 'cpu'];
      const { status, stderr } = await runMediator(...flags);
      expect(status).toBe(78);
      expect(stderr).toContain(`is within the root ${root.path}`);
      expect([readdirSync(root.path), readdirSync(root.in(1))]).toEqual([before, []]);
    }
  });

  // Only root may mount the small disk.
  testAsRoot('says with --once that something could not be served', async () => {
    const disk = join(root.base, 'disk');
    mkdirSync(disk);
    const mounting = await run('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', disk]);
    expect(mounting).toMatchObject({ status: 0 });
    try {
      const full = new TestRoot([1, 2], disk);
      full.drop(1, 'x', 'A:1:1:1:2\n');
      try {
        writeFileSync(full.in(2, 'filler'), Buffer.alloc(1 << 20));
      } catch {
        // That is what it is for.
      }
      const flags = ['--root', full.path, '--state-dir', join(root.base, 'state'), '--once'];
      const { status, stderr } = await runMediator(...flags, '--backend', 'cpu');
      expect(status).toBe(73);
      expect(stderr).toMatch(/ENOSPC.*remedy=free space/);
      expect(stderr).toContain(
        'vgpu-mediator: 1 responses could not be written, or VM directories',
      );
      rmSync(full.in(2, 'filler'));
      expect((await runMediator(...flags, '--backend', 'cpu')).status).toBe(0);
      expect(readFileSync(full.in(1, 'response-x.txt'), 'utf8')).toBe('3\n');
    } finally {
      await run('umount', [disk]);
    }
  });

  it('shows no stack trace when its output is not wanted', async () => {
    const help = ['sh', process.execPath, MEDIATOR, '--help'];
    expect(await run('sh', ['-c', '"$@" | head -c 0', ...help])).toMatchObject({ stderr: '' });
    const full = await run('sh', ['-c', '"$@" > /dev/full', ...help]);
    expect(full.status).toBe(73);
    expect(full.stderr).toMatch(/^vgpu-mediator: cannot write the output: .*\n$/);
  });

  it('processes all pending requests and exits with --once, also those that look half-written', async () => {
    for (let index = 0; index < 100; index += 1) root.drop(1, `n${index}`, `A:0:1:${index}:1\n`);
    writeFileSync(root.in(2, 'request.txt'), 'B:2:2:1:1');
    const mediator = new MediatorProcess(root, '--once');
    expect(await mediator.exited).toBe(0);
    expect(readFileSync(root.in(1, 'response-n99.txt'), 'utf8')).toBe('100\n');
    expect(readFileSync(root.in(2, 'response.txt'), 'utf8')).toBe('2\n');
    expect(mediator.logged('statistics')).toMatchObject([
      {
        requests: 101,
        outcome: { OK: 101 },
        pool: { A: 100, B: 1 },
        priority: { low: 100, high: 1 },
        vm: { 1: 100, 2: 1 },
        queued: 0,
      },
    ]);
  });

  it('prints statistics at SIGUSR1 and takes a changed configuration over at SIGHUP', async () => {
    const config = join(root.base, 'config.json');
    writeFileSync(config, JSON.stringify({ 'log-level': 'info', settle: 100 }));
    const mediator = await MediatorProcess.serving(root, '--config', config);
    await runClient(root, 1, '1', '2');
    mediator.signal('SIGUSR1');
    await until(() => mediator.logged('statistics').length === 1, 'the statistics');
    expect(mediator.logged('statistics')).toMatchObject([{ requests: 1, vm: { 1: 1 } }]);

    writeFileSync(config, JSON.stringify({ 'log-level': 'debug', backend: 'cuda' }));
    mediator.signal('SIGHUP');
    await until(() => mediator.logged('configuration reloaded').length === 1, 'the reload');
    // The flag for the backend counts before the file, so that nothing needs a restart.
    expect(mediator.logged('configuration reloaded')[0]).not.toHaveProperty('needsRestart');
    await runClient(root, 1, '1', '2');
    expect(mediator.logged('request queued')).toHaveLength(1);

    writeFileSync(config, '{ "settle": "soon" }');
    mediator.signal('SIGHUP');
    await until(() => mediator.log.some(({ level }) => level === 'error'), 'the complaint');
    await runClient(root, 1, '1', '2');
    expect(mediator.logged('request queued')).toHaveLength(2);
    expect(await mediator.stop()).toBe(0);
  });

  it('serves on when the reader of its log has gone', async () => {
    const mediator = await MediatorProcess.serving(root);
    mediator.child.stderr?.destroy();
    for (const sum of ['3\n', '3\n', '3\n']) {
      expect((await runClient(root, 1, '1', '2')).stdout).toBe(sum);
    }
    expect(mediator.child.exitCode).toBeNull();
    mediator.signal('SIGKILL');
    await mediator.exited;
  });

  it('finds VM directories that appear and disappear', async () => {
    const mediator = await MediatorProcess.serving(root);
    mkdirSync(root.in(7));
    expect((await runClient(root, 7, '1', '2')).stdout).toBe('3\n');
    rmSync(root.in(7), { recursive: true });
    await until(() => mediator.logged('a VM directory is gone').length === 1, 'the loss');
    mkdirSync(root.in(7));
    expect((await runClient(root, 7, '3', '4')).stdout).toBe('7\n');
    expect(await mediator.stop()).toBe(0);
  });

  it.each([
    [['--rot', '/x'], 64, 'Unknown argument: rot; see vgpu-mediator --help'],
    [['serve', 'now'], 64, 'Unknown argument: now; see vgpu-mediator --help'],
    [
      ['--settle', '-1'],
      64,
      '--settle: expected milliseconds from 0 to 2147483647, or a duration such as 200ms, 30s, 5m or 1h, got "-1"',
    ],
    [['--devices', '0,0'], 64, '--devices: expected each device once, got "0,0"'],
    [['--backend', 'tpu'], 64, '--backend: expected one of auto, cuda, cpu, got "tpu"'],
    [['--config', '/nonexistent'], 78, 'the config file /nonexistent cannot be read: ENOENT'],
    [['--root', '/dev/null/x'], 73, 'cannot use /dev/null/x'],
  ])('says in one line why it does not run: %j', async (flags, status, text) => {
    const usual = flags.includes('--root') ? [] : ['--root', root.path];
    const finished = await runMediator(...usual, ...flags);
    expect(finished).toMatchObject({ status, stdout: '' });
    expect(finished.stderr).toContain(`vgpu-mediator: ${text}`);
    expect(finished.stderr.split('\n')).toHaveLength(2);
  });

  it('says in one line why it can not use CUDA', async () => {
    // Also where there is a driver.
    writeFileSync(join(root.in(1), 'libcuda.so.1'), 'no library');
    const env = { ...environment, LD_LIBRARY_PATH: root.in(1) };
    const flags = ['--root', root.path, '--backend', 'cuda'];
    const finished = await run(process.execPath, [MEDIATOR, ...flags], { env });
    expect(finished).toMatchObject({ status: 69, stdout: '' });
    expect(finished.stderr).toContain(
      "vgpu-mediator: listing the CUDA devices: expected the NVIDIA driver on this machine, but it can't be opened",
    );
    expect(finished.stderr.split('\n')).toHaveLength(2);
  });
});
