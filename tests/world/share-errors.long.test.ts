import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { MediatorProcess, until } from '../support/processes.js';
import { describeWithStrace, FailingCalls } from '../support/strace.js';
import { FragileRoot, sums } from '../support/world.js';

describeWithStrace('a file system that fails for a while', () => {
  let root: FragileRoot;
  let mediator: MediatorProcess;
  let calls: FailingCalls | undefined;
  beforeEach(async () => {
    root = new FragileRoot([1, 2]);
    mediator = await MediatorProcess.serving(root, '--poll-interval', '50');
    // Until the first turns are over, so that what fails is the service and not the start.
    await expectServed(1);
    await expectServed(2);
  });
  afterEach(async () => {
    await calls?.end();
    calls = undefined;
    root.remove();
  });

  async function expectServed(vmId: number): Promise<void> {
    const client = new VgpuClient({ root: root.path, vmId });
    expect(await sums(client, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await client.close();
  }

  it.each([
    // From a disk, and from a share whose server does not answer any more.
    ['EIO'],
    ['ETIMEDOUT'],
    // From NFS, where the server no longer knows a directory.
    ['ESTALE'],
  ])('with %s in one VM directory delays that VM only', async (error) => {
    calls = await FailingCalls.in(mediator, root, 1, error);
    root.drop(1, 'a', 'A:1:1:1:2\n');
    await until(
      () => mediator.log.some(({ level }) => level === 'warn') || mediator.child.exitCode !== null,
      'the complaint',
    );
    expect(mediator.complaints).toEqual([]);
    root.drop(1, 'b', 'A:1:1:3:4\n');
    await expectServed(2);
    const complaints = mediator.log.filter(({ level }) => level !== 'info');
    expect(complaints.filter(({ level, vm }) => level !== 'warn' || vm !== 1)).toEqual([]);
    expect(root.answer(1, 'a')).toBe('');
    await calls.end();
    await root.answered(1, 'a', '3\n');
    await root.answered(1, 'b', '7\n');
    await expectServed(1);
    expect(await mediator.stop()).toBe(0);
    expect(mediator.complaints).toEqual([]);
  });

  it.each([['EIO'], ['ESTALE']])(
    'with %s in the root goes on with what is known',
    async (error) => {
      calls = await FailingCalls.on(mediator, root.path, error);
      const message = 'cannot read the root; trying again at each scan';
      await until(
        () => mediator.logged(message).length > 0 || mediator.child.exitCode !== null,
        'the complaint',
      );
      expect(mediator.complaints).toEqual([]);
      await expectServed(1);
      await calls.end();
      await until(() => mediator.logged('the root can be read again').length > 0, 'the end of it');
      await expectServed(2);
      expect(mediator.logged(message)).toHaveLength(1);
      expect(await mediator.stop()).toBe(0);
    },
  );
});
