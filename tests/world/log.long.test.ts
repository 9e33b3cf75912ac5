import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { MediatorProcess, until } from '../support/processes.js';
import { describeWithMounts, fillUp, FragileRoot, sums } from '../support/world.js';

/** More than fits into a pipe, several times. */
const ENOUGH_LINES = 1000;

let root: FragileRoot;
let client: VgpuClient;
beforeEach(() => {
  root = new FragileRoot([1]);
  client = new VgpuClient({ root: root.path, vmId: 1 });
});
afterEach(async () => {
  await client.close();
  root.remove();
});

/** Has the mediator write several lines for each request. */
async function expectServes(requests: number): Promise<void> {
  expect(await sums(client, requests)).toEqual(Array.from({ length: requests }, (_, n) => n + 1));
}

/** A mediator whose stderr goes to a file. */
function loggingTo(path: string): MediatorProcess {
  root.launch = { through: ['sh', '-c', `exec "$@" 2>>${path}`, 'sh'] };
  return new MediatorProcess(root, '--log-level', 'debug');
}

describe('a mediator whose log is not read', () => {
  it('serves on when the reader stands still, and ends when it is told to', async () => {
    const mediator = await MediatorProcess.serving(root, '--log-level', 'debug');
    mediator.child.stderr?.pause();
    await expectServes(ENOUGH_LINES);
    await expectServes(ENOUGH_LINES);
    mediator.signal('SIGTERM');
    await until(() => mediator.child.exitCode !== null, 'its end');
    expect(mediator.child.exitCode).toBe(0);
  });

  it('goes on with its log when the reader does', async () => {
    const mediator = await MediatorProcess.serving(root, '--log-level', 'debug');
    mediator.child.stderr?.pause();
    await expectServes(ENOUGH_LINES);
    mediator.child.stderr?.resume();
    mediator.signal('SIGUSR1');
    await until(() => mediator.logged('statistics').length === 1, 'the statistics');
    expect(mediator.logged('statistics')[0]).toMatchObject({ requests: ENOUGH_LINES });
    expect(await mediator.stop()).toBe(0);
  });

  it('serves on when the reader has gone', async () => {
    const mediator = await MediatorProcess.serving(root, '--log-level', 'debug');
    mediator.child.stderr?.destroy();
    await expectServes(ENOUGH_LINES);
    expect(await mediator.stop()).toBe(0);
  });

  it('serves on when its log goes where nothing can be written', async () => {
    const mediator = loggingTo('/dev/full');
    await expectServes(ENOUGH_LINES);
    expect(await mediator.stop()).toBe(0);
  });
});

describeWithMounts('a mediator whose log is on a disk that is full', () => {
  it('serves on, and goes on with its log once there is room', async () => {
    const disk = join(root.base, 'disk');
    mkdirSync(disk);
    root.mountTmpfs(disk, 'size=64k');
    fillUp(join(disk, 'filler'));
    const mediator = loggingTo(join(disk, 'log'));
    await expectServes(10);
    rmSync(join(disk, 'filler'));
    await expectServes(10);
    expect(await mediator.stop()).toBe(0);
    expect(readFileSync(join(disk, 'log'), 'utf8')).toContain('"message":"request finished"');
  });
});
