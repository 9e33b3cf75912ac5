import { rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { MediatorProcess, runClient, until } from '../support/processes.js';
import { describeWithMounts, fillUp, FragileRoot, useUpInodes } from '../support/world.js';

const CANNOT_RESPOND = 'cannot put a response in place; trying again';

/** Small requests that fit into a page each, and answers that need another one. */
const IDS = ['a', 'b', 'c', 'd', 'e'];

describeWithMounts('a file system that takes no more', () => {
  let root: FragileRoot;
  let client: VgpuClient;
  beforeEach(() => {
    root = new FragileRoot([1, 2]);
    client = new VgpuClient({ root: root.path, vmId: 2 });
    root.mountTmpfs(root.in(1), 'size=64k,nr_inodes=40');
  });
  afterEach(async () => {
    await client.close();
    root.remove();
  });

  /** Whether the trouble of VM 1 is VM 1's alone. */
  async function expectOtherServed(): Promise<void> {
    expect(await client.add(100, 200)).toBe(300);
  }

  it('answers all that waited on a full disk once there is room', async () => {
    for (const [n, id] of IDS.entries()) root.drop(1, id, `A:1:1:${n}:1\n`);
    writeFileSync(root.in(1, 'request.txt'), 'A:1:1:1:2\n');
    fillUp(root.in(1, 'filler'));
    const mediator = await MediatorProcess.serving(root);
    await until(() => mediator.logged(CANNOT_RESPOND).length >= IDS.length, 'answers to fail');
    expect(mediator.logged(CANNOT_RESPOND)[0]).toMatchObject({
      vm: 1,
      error: expect.stringContaining('ENOSPC'),
      remedy: 'free space on the file system',
    });
    expect(IDS.map((id) => root.answer(1, id)).join('')).toBe('');
    await expectOtherServed();

    rmSync(root.in(1, 'filler'));
    for (const [n, id] of IDS.entries()) await root.answered(1, id, `${n + 1}\n`);
    await until(() => mediator.logged('request finished').length === IDS.length + 2, 'all answers');
    expect(new Set(mediator.logged('request finished').map(({ outcome }) => outcome))).toEqual(
      new Set(['OK']),
    );
    expect(await mediator.stop()).toBe(0);
  });

  it('tells a client that its request does not fit', async () => {
    await MediatorProcess.serving(root);
    fillUp(root.in(1, 'filler'));
    expect(await runClient(root, 1, '1', '2')).toMatchObject({
      status: 73,
      stdout: '',
      stderr: expect.stringMatching(/ENOSPC.*free space on the share/),
    });
    rmSync(root.in(1, 'filler'));
    expect((await runClient(root, 1, '1', '2')).stdout).toBe('3\n');
  });

  it('answers all that waited for inodes once there are some', async () => {
    for (const [n, id] of IDS.entries()) root.drop(1, id, `A:1:1:${n}:1\n`);
    const release = useUpInodes(root.in(1, 'filler-'));
    const mediator = await MediatorProcess.serving(root);
    await until(() => mediator.logged(CANNOT_RESPOND).length >= IDS.length, 'answers to fail');
    await expectOtherServed();
    expect((await runClient(root, 1, '1', '2')).status).toBe(73);
    release();
    for (const [n, id] of IDS.entries()) await root.answered(1, id, `${n + 1}\n`);
    expect(await mediator.stop()).toBe(0);
  });
});
