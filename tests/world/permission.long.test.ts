import { chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MediatorProcess, runClient, until } from '../support/processes.js';
import { describeAsOthers, NOBODY } from '../support/public-programs.js';
import { FragileRoot } from '../support/world.js';

describeAsOthers('a mediator without permission', (programs) => {
  let root: FragileRoot;
  beforeEach(() => {
    root = new FragileRoot([1, 2]);
    chmodSync(root.base, 0o777);
    for (const path of [root.path, root.in(1), root.in(2)]) chownSync(path, NOBODY, NOBODY);
    root.launch = { uid: NOBODY, programs: programs() };
  });
  afterEach(() => {
    root.remove();
  });

  /** Gives VM 1's directory to root, with this mode, and a request. */
  function forbid(mode: number): void {
    root.drop(1, 'a', 'A:1:1:1:2\n');
    chownSync(root.in(1), 0, 0);
    chmodSync(root.in(1), mode);
  }

  async function expectOtherServed(): Promise<void> {
    expect((await runClient(root, 2, '1', '2')).stdout).toBe('3\n');
  }

  it.each([
    ['enter', 0o700, 'cannot open a VM directory; trying again at each scan'],
    ['look into', 0o744, 'cannot admit a request'],
    ['write to', 0o755, 'cannot put a response in place; trying again'],
  ])('serves a VM directory that it may not %s once it may', async (_verb, mode, message) => {
    forbid(mode);
    const mediator = await MediatorProcess.serving(root);
    await until(() => mediator.logged(message).length > 0, 'the complaint');
    expect(mediator.logged(message)[0]).toMatchObject({
      level: 'warn',
      vm: 1,
      error: expect.stringContaining('EACCES'),
      remedy: "give the mediator's user access, or run it as root",
    });
    await expectOtherServed();
    expect(root.answer(1, 'a')).toBe('');

    chownSync(root.in(1), NOBODY, NOBODY);
    await root.answered(1, 'a', '3\n');
    expect(mediator.logged(message).every(({ vm }) => vm === 1)).toBe(true);
    expect(await mediator.stop()).toBe(0);
  });

  it('serves a VM directory whose permission is taken while it runs, and given back', async () => {
    const mediator = await MediatorProcess.serving(root);
    forbid(0o700);
    root.drop(1, 'b', 'A:1:1:3:4\n');
    await expectOtherServed();
    chownSync(root.in(1), NOBODY, NOBODY);
    await root.answered(1, 'b', '7\n');
    expect(await mediator.stop()).toBe(0);
  });

  it('answers a request that it may not read, and goes on', async () => {
    const mediator = await MediatorProcess.serving(root);
    writeFileSync(root.in(1, 'request-a.txt'), 'A:1:1:1:2\n', { mode: 0o600 });
    await until(() => root.answer(1, 'a') !== '', 'an answer');
    expect(root.answer(1, 'a')).toBe(
      'ERROR:BAD_REQUEST:request: expected a regular file, ' +
        'got a file that the mediator may not read\n',
    );
    expect((await runClient(root, 1, '1', '2')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });

  it('leaves its answers to the group and the others as the directory does', async () => {
    chmodSync(root.in(1), 0o770);
    root.drop(1, 'a', 'A:1:1:1:2\n');
    const mediator = await MediatorProcess.serving(root);
    await root.answered(1, 'a', '3\n');
    expect(statSync(root.in(1, 'response-a.txt')).mode & 0o777).toBe(0o660);
    expect(await mediator.stop()).toBe(0);
  });

  it('ends with 77 where it may not create the root', async () => {
    rmSync(root.path, { recursive: true });
    chmodSync(root.base, 0o755);
    const mediator = new MediatorProcess(root);
    expect(await mediator.exited).toBe(77);
    expect(mediator.complaints).toEqual([
      expect.stringMatching(/^vgpu-mediator: cannot use .*vgpu as the root: EACCES: .*; choose /),
    ]);
  });

  it('ends with 77 where it may not list the root', async () => {
    chownSync(root.path, 0, 0);
    chmodSync(root.path, 0o711);
    const mediator = new MediatorProcess(root);
    expect(await mediator.exited).toBe(77);
    expect(mediator.complaints.join()).toMatch(/as the root: EACCES/);
  });

  it('ends with 77 where it may not use the state directory', async () => {
    mkdirSync(join(root.base, 'vgpu-state'), { mode: 0o700 });
    const mediator = new MediatorProcess(root);
    expect(await mediator.exited).toBe(77);
    expect(mediator.complaints.join()).toMatch(/as the state directory: EACCES/);
  });
});
