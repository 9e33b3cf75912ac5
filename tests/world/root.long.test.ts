import {
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { MediatorProcess, runClient, TestRoot, until } from '../support/processes.js';
import { FragileRoot } from '../support/world.js';

const UNREADABLE = 'cannot read the root; trying again at each scan';
const GONE = 'a VM directory is gone';

describe('a mediator whose root', () => {
  let root: FragileRoot;
  const others: TestRoot[] = [];
  beforeEach(() => {
    root = new FragileRoot([1, 2]);
  });
  afterEach(() => {
    for (const each of [root, ...others.splice(0)]) each.remove();
  });

  /** A root that is reached by this path; a mediator on it ends with the test. */
  function at(path: string): TestRoot {
    const other = Object.assign(new TestRoot([]), { path });
    others.push(other);
    return other;
  }

  /** Makes the root again, with a request in VM 1's directory. */
  function recreate(): void {
    mkdirSync(root.path);
    mkdirSync(root.in(1));
    root.drop(1, 'new', 'A:1:1:3:4\n');
  }

  /** VM directories are still noticed, in the root that is there now. */
  async function expectServedAnew(mediator: MediatorProcess): Promise<void> {
    await root.answered(1, 'new', '7\n');
    mkdirSync(root.in(9));
    expect((await runClient(root, 9, '1', '2')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  }

  it('is missing creates it, with those above it', async () => {
    rmSync(root.path, { recursive: true });
    const deep = at(join(root.path, 'deep', 'vgpu'));
    const mediator = await MediatorProcess.serving(deep);
    expect(mediator.logged('created the root directory')).toHaveLength(1);
    mkdirSync(deep.in(1));
    expect((await runClient(deep, 1, '1', '2')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });

  it('is a file ends with 73', async () => {
    rmSync(root.path, { recursive: true });
    writeFileSync(root.path, '');
    const mediator = new MediatorProcess(root);
    expect(await mediator.exited).toBe(73);
    expect(mediator.complaints).toEqual([
      expect.stringMatching(
        /cannot use .*vgpu as the root: a file is in its place; choose another/,
      ),
    ]);
  });

  it('is below a file ends with 73', async () => {
    rmSync(root.path, { recursive: true });
    writeFileSync(root.path, '');
    const below = at(join(root.path, 'vgpu'));
    expect(await new MediatorProcess(below).exited).toBe(73);
  });

  it('is removed says so once, and serves the next one', async () => {
    const mediator = await MediatorProcess.serving(root, '--poll-interval', '50');
    rmSync(root.path, { recursive: true });
    await until(() => mediator.logged(GONE).length === 2, 'both VM directories to be missed');
    await until(() => mediator.logged(UNREADABLE).length > 0, 'the root to be missed');
    expect(mediator.logged(UNREADABLE)[0]).toMatchObject({ level: 'error', root: root.path });
    expect((await runClient(root, 1, '1', '2')).status).toBe(69);
    recreate();
    await expectServedAnew(mediator);
    expect(mediator.logged(UNREADABLE)).toHaveLength(1);
    expect(mediator.logged('the root can be read again')).toHaveLength(1);
  });

  it('is moved away and replaced serves the new one only', async () => {
    const mediator = await MediatorProcess.serving(root);
    const moved = at(`${root.path}-old`);
    renameSync(root.path, moved.path);
    recreate();
    await until(() => mediator.logged(GONE).length === 2, 'the old VM directories to be left');
    moved.drop(1, 'late', 'A:1:1:1:2\n');
    await expectServedAnew(mediator);
    expect(existsSync(moved.in(1, 'request-late.txt'))).toBe(true);
  });

  it('is moved away serves the VM directories in it until another takes its place', async () => {
    const mediator = await MediatorProcess.serving(root, '--poll-interval', '50');
    const path = root.path;
    const moved = at(`${path}-old`);
    renameSync(path, moved.path);
    await until(() => mediator.logged(UNREADABLE).length === 1, 'the root to be missed');
    // Guests reach their directories by exports of their own, whatever the way to them is called.
    expect((await runClient(moved, 1, '1', '2')).stdout).toBe('3\n');
    renameSync(moved.path, path);
    await until(() => mediator.logged('the root can be read again').length === 1, 'the root');
    expect((await runClient(root, 1, '1', '2')).stdout).toBe('3\n');
    expect(mediator.logged(GONE)).toEqual([]);
    expect(await mediator.stop()).toBe(0);
  });

  it('is a symbolic link follows it, also when it comes to lead elsewhere', async () => {
    const other = new TestRoot([3]);
    others.push(other);
    // Not of the same tick of the kernel's clock as the other one.
    utimesSync(other.path, 2000, 2000);
    const link = at(join(root.base, 'link'));
    symlinkSync(root.path, link.path);
    const mediator = await MediatorProcess.serving(link, '--poll-interval', '50');
    expect((await runClient(root, 1, '1', '2')).stdout).toBe('3\n');
    symlinkSync(other.path, `${link.path}-new`);
    renameSync(`${link.path}-new`, link.path);
    const client = new VgpuClient({ root: other.path, vmId: 3 });
    expect(await client.add(100, 200)).toBe(300);
    await client.close();
    await until(() => mediator.logged(GONE).length === 2, 'the first VM directories to be left');
    expect(await mediator.stop()).toBe(0);
  });
});
