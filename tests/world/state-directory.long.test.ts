import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MediatorProcess, runClient, runMediator } from '../support/processes.js';
import { describeWithMounts, FragileRoot, useUpInodes } from '../support/world.js';

describeWithMounts('the state directory', () => {
  let root: FragileRoot;
  let state: string;
  beforeEach(() => {
    root = new FragileRoot([1]);
    state = join(root.base, 'vgpu-state');
  });
  afterEach(() => {
    root.remove();
  });

  async function expectServes(mediator: MediatorProcess): Promise<void> {
    expect((await runClient(root, 1, '1', '2')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  }

  async function expectEndsSaying(reason: string): Promise<void> {
    const mediator = new MediatorProcess(root);
    expect(await mediator.exited).toBe(73);
    expect(mediator.complaints).toEqual([
      expect.stringMatching(
        `^vgpu-mediator: cannot use ${state} as the state directory: ${reason}.*; ` +
          'choose another with --state-dir$',
      ),
    ]);
  }

  it('that is missing is created, for nobody else', async () => {
    const mediator = await MediatorProcess.serving(root);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    await expectServes(mediator);
  });

  it('that is a file keeps it from running', async () => {
    writeFileSync(state, '');
    await expectEndsSaying('a file is in its place');
  });

  it('that is read-only keeps it from running, until it is writable', async () => {
    mkdirSync(state);
    root.mountTmpfs(state);
    root.remount(state, 'ro');
    await expectEndsSaying('EROFS');
    root.remount(state, 'rw');
    await expectServes(await MediatorProcess.serving(root));
  });

  it('that is full keeps it from running, until there is room', async () => {
    mkdirSync(state);
    root.mountTmpfs(state, 'nr_inodes=20');
    const release = useUpInodes(join(state, 'filler-'));
    await expectEndsSaying('ENOSPC');
    release();
    await expectServes(await MediatorProcess.serving(root));
  });

  it('that becomes full while it serves does no harm', async () => {
    mkdirSync(state);
    root.mountTmpfs(state, 'nr_inodes=20');
    const mediator = await MediatorProcess.serving(root);
    useUpInodes(join(state, 'filler-'));
    await expectServes(mediator);
  });

  it('that is removed while it serves does no harm, and admits no second mediator', async () => {
    const mediator = await MediatorProcess.serving(root);
    rmSync(state, { recursive: true });
    const second = await runMediator('--root', root.path, '--backend', 'cpu');
    expect(second).toMatchObject({ status: 69, stdout: '' });
    expect(second.stderr).toContain(`holds ${root.path}/.vgpu-mediator.lock`);
    await expectServes(mediator);
    await expectServes(await MediatorProcess.serving(root));
  });
});
