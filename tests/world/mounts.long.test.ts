import { utimesSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { MediatorProcess } from '../support/processes.js';
import { describeWithMounts, FragileRoot } from '../support/world.js';

describeWithMounts('a file system mounted over a VM directory that is served', () => {
  let root: FragileRoot;
  let mediator: MediatorProcess;
  beforeEach(async () => {
    root = new FragileRoot([1, 2]);
    mediator = await MediatorProcess.serving(root, '--poll-interval', '50');
    // As on a host that has been up for a while. Mounting leaves the mtime of the root alone, and
    // one that is not new is a reason not to list the root again.
    utimesSync(root.path, 1000, 1000);
    await sleep(200);
  });
  afterEach(() => {
    root.remove();
  });

  async function expectServed(vmId: number): Promise<void> {
    const client = new VgpuClient({ root: root.path, vmId, timeoutMs: 5000 });
    try {
      expect(await client.add(100, 200)).toBe(300);
    } finally {
      await client.close();
    }
  }

  it('is served; what is below it is served again after it has been unmounted', async () => {
    await expectServed(1);
    root.mountTmpfs(root.in(1));
    await expectServed(1);
    // A served directory keeps it busy; a lazy unmount needs to be noticed, too.
    root.unmount(root.in(1), true);
    await expectServed(1);
    await expectServed(2);
    expect(await mediator.stop()).toBe(0);
  });

  it('before the mediator was started can be unmounted lazily', async () => {
    await mediator.stop();
    root.mountTmpfs(root.in(1));
    mediator = await MediatorProcess.serving(root, '--poll-interval', '50');
    await expectServed(1);
    root.unmount(root.in(1), true);
    await expectServed(1);
    expect(await mediator.stop()).toBe(0);
  });
});
