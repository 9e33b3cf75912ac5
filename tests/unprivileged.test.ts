import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MediatorProcess, run, TestRoot, until } from './support/processes.js';
import { asUser, describeAsOthers } from './support/public-programs.js';

/** Users that own nothing else: the mediator's, and those to whom exports map the VMs. */
const [HOST, VM_1, VM_2] = [60_000, 60_001, 60_002];

describeAsOthers('a mediator that is not root', (programs) => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot([1, 2]);
    root.launch = { uid: HOST, programs: programs() };
    chmodSync(root.base, 0o755);
    chownSync(root.path, HOST, HOST);
    mkdirSync(`${root.path}-state`, { mode: 0o700 });
    chownSync(`${root.path}-state`, HOST, HOST);
    // As SECURITY.md says: the mediator's directories, in which a group of each VM may write.
    for (const vm of [1, 2]) {
      chownSync(root.in(vm), HOST, vm === 1 ? VM_1 : VM_2);
      chmodSync(root.in(vm), 0o2770);
    }
  });
  afterEach(() => {
    root.remove();
  });

  const runAs = (user: number, vm: number, ...args: string[]) =>
    programs().runAs(user, 'client', '--root', root.path, '--vm-id', String(vm), ...args);

  it('serves VMs, each in its own directory only', async () => {
    const mediator = await MediatorProcess.serving(root);
    expect(await runAs(VM_1, 1, '100', '200')).toEqual({ status: 0, stdout: '300\n', stderr: '' });
    expect((await runAs(VM_2, 2, '1', '2', '--plain')).stdout).toBe('3\n');
    expect((await runAs(VM_2, 1, '1', '2')).status).toBe(77);
    expect(readdirSync(root.in(1))).toEqual([]);
    expect(await mediator.stop()).toBe(0);
  });

  it('gives its responses to the VM, which may empty them, and to no other user', async () => {
    const mediator = await MediatorProcess.serving(root);
    root.drop(1, 'x', 'A:1:1:100:200\n');
    const answer = root.in(1, 'response-x.txt');
    await until(() => existsSync(answer), 'the answer');
    const { uid, gid, mode } = statSync(answer);
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: HOST, gid: VM_1, mode: 0o660 });
    const empty = (user: number) =>
      run('setpriv', asUser(user, ['sh', '-c', ': > "$0"', answer])).then(({ status }) => status);
    expect([await empty(VM_2), await empty(VM_1)]).toEqual([2, 0]);
    expect(await mediator.stop()).toBe(0);
  });

  it('reads and removes nothing that its user may not', async () => {
    const mediator = await MediatorProcess.serving(root);
    const secret = `${root.base}/secret`;
    writeFileSync(secret, 'A:1:1:6:6\n', { mode: 0o600 });
    symlinkSync(secret, root.in(1, 'request-link.txt'));
    writeFileSync(root.in(1, 'request-closed.txt'), 'A:1:1:1:1\n', { mode: 0o600 });
    chownSync(root.in(1, 'request-closed.txt'), VM_1, VM_1);
    await until(() => mediator.logged('request rejected').length === 2, 'both rejections');
    expect(existsSync(secret)).toBe(true);
    expect((await runAs(VM_1, 1, '1', '2')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });
});
