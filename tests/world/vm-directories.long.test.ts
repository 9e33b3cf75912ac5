import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { HeldDevice } from '../support/held-device.js';
import { MediatorProcess, runClient, until } from '../support/processes.js';
import { FragileRoot, sums } from '../support/world.js';

const GONE = 'a VM directory is gone';
const NOT_SERVED = 'not served: not a directory, or a symbolic link to one';

describe('a VM directory that', () => {
  let root: FragileRoot;
  let mediator: MediatorProcess;
  beforeEach(async () => {
    root = new FragileRoot([1, 2]);
    mediator = await MediatorProcess.serving(root, '--cpu-delay', '20', '--poll-interval', '100');
  });
  afterEach(() => {
    root.remove();
  });

  const aside = () => join(root.base, 'aside');

  /** Five requests, of which at most one can be on the device. */
  function dropFive(vm: number): void {
    for (let n = 0; n < 5; n += 1) root.drop(vm, `n${n}`, `A:1:${vm}:${n}:1\n`);
  }

  /** Is left in peace by what happens to VM 1. */
  async function expectOtherServed(): Promise<void> {
    expect((await runClient(root, 2, '1', '2')).stdout).toBe('3\n');
  }

  it('is created, with requests in it, is served', async () => {
    mkdirSync(join(root.base, 'vm7'));
    renameSync(join(root.base, 'vm7'), root.in(7));
    dropFive(7);
    for (let n = 0; n < 5; n += 1) await root.answered(7, `n${n}`, `${n + 1}\n`);
    expect(await mediator.stop()).toBe(0);
  });

  it('is removed takes its requests with it: they count as withdrawn', async () => {
    await mediator.stop();
    const device = new HeldDevice(root);
    const flags = ['--exec-limit', '600000', '--log-level', 'debug'];
    mediator = await MediatorProcess.serving(root, ...flags);
    dropFive(1);
    await until(() => mediator.logged('request queued').length === 5, 'all to be queued');
    await until(() => mediator.logged('request on the device').length === 1, 'one to be computed');
    rmSync(root.in(1), { recursive: true });
    device.release();
    await until(() => mediator.logged('request finished').length === 5, 'all to be accounted for');
    expect(mediator.logged('request finished')).toEqual(
      Array.from({ length: 5 }, () => expect.objectContaining({ vm: 1, outcome: 'WITHDRAWN' })),
    );
    expect(mediator.log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    await expectOtherServed();
    expect(mediator.logged(GONE)).toHaveLength(1);
    expect(await mediator.stop()).toBe(0);
  });

  it('is removed while a client waits lets the client run into its timeout', async () => {
    const client = new VgpuClient({ root: root.path, vmId: 1, timeoutMs: 1500 });
    mediator.signal('SIGSTOP');
    // A failure must not count as unhandled before it is awaited.
    const waiting = client.add(1, 2).catch((error: unknown) => error);
    await until(() => hasRequest(root), 'the request');
    rmSync(root.in(1), { recursive: true });
    mediator.signal('SIGCONT');
    expect(await waiting).toMatchObject({ code: 'TIMEOUT' });
    await expect(client.add(1, 2)).rejects.toMatchObject({ code: 'SHARE_UNAVAILABLE' });
    mkdirSync(root.in(1));
    expect(await client.add(1, 2)).toBe(3);
    await client.close();
    expect(await mediator.stop()).toBe(0);
  });

  it.each([
    [
      'removed and made again',
      () => {
        rmSync(root.in(1), { recursive: true });
      },
    ],
    [
      'moved away and replaced',
      () => {
        renameSync(root.in(1), aside());
      },
    ],
  ])('is %s with requests in it is served again', async (_how, take) => {
    for (let round = 0; round < 5; round += 1) {
      dropFive(1);
      take();
      mkdirSync(root.in(1));
      root.drop(1, 'new', `A:1:1:${round}:10\n`);
      await root.answered(1, 'new', `${round + 10}\n`);
      expect(root.answer(1, 'n4')).toBe('');
      await expectOtherServed();
      rmSync(aside(), { recursive: true, force: true });
    }
    expect(await mediator.stop()).toBe(0);
  });

  it('comes back is served with what is in it', async () => {
    mediator.signal('SIGSTOP');
    dropFive(1);
    renameSync(root.in(1), aside());
    mediator.signal('SIGCONT');
    await until(() => mediator.logged(GONE).length === 1, 'the loss');
    renameSync(aside(), root.in(1));
    for (let n = 0; n < 5; n += 1) await root.answered(1, `n${n}`, `${n + 1}\n`);
    expect(await mediator.stop()).toBe(0);
  });

  it('changes places with another of a VM is served as what it is called now', async () => {
    renameSync(root.in(1), aside());
    renameSync(root.in(2), root.in(1));
    renameSync(aside(), root.in(2));
    await until(() => mediator.logged(GONE).length >= 2, 'the exchange to be noticed');
    for (const vmId of [1, 2]) {
      const client = new VgpuClient({ root: root.path, vmId });
      expect(await sums(client, 3)).toEqual([1, 2, 3]);
      await client.close();
    }
    expect(mediator.logged('request rejected')).toEqual([]);
    expect(await mediator.stop()).toBe(0);
  });

  it('is a symbolic link is not served, nor what it leads to, until it is a directory', async () => {
    mkdirSync(aside());
    symlinkSync(aside(), root.in(3));
    await until(() => mediator.logged(NOT_SERVED).length === 1, 'the refusal');
    expect(mediator.logged(NOT_SERVED)[0]).toMatchObject({ level: 'warn', path: root.in(3) });
    root.drop(3, 'a', 'A:1:3:1:2\n');
    await expectOtherServed();
    expect((await runClient(root, 3, '1', '2', '--timeout', '500')).status).toBe(75);
    expect(existsSync(root.in(3, 'request-a.txt'))).toBe(true);

    unlinkSync(root.in(3));
    renameSync(aside(), root.in(3));
    await root.answered(3, 'a', '3\n');
    expect(mediator.logged(NOT_SERVED)).toHaveLength(1);
    expect(await mediator.stop()).toBe(0);
  });

  it('becomes a symbolic link while it is served is served no more', async () => {
    renameSync(root.in(1), aside());
    symlinkSync(aside(), root.in(1));
    await until(() => mediator.logged(NOT_SERVED).length === 1, 'the refusal');
    root.drop(1, 'a', 'A:1:1:1:2\n');
    await expectOtherServed();
    expect(existsSync(root.in(1, 'request-a.txt'))).toBe(true);
    expect(await mediator.stop()).toBe(0);
  });
});

function hasRequest(root: FragileRoot): boolean {
  return readdirSync(root.in(1)).some((name) => name.startsWith('request-'));
}
