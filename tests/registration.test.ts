import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MediatorProcess, runClient, runMediator, TestRoot, until } from './support/processes.js';

describe('registered VMs', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot([1, 2]);
    mkdirSync(`${root.path}-state`, { mode: 0o700 });
  });
  afterEach(() => {
    root.remove();
  });

  const register = (vms: object) => {
    writeFileSync(join(`${root.path}-state`, 'registry.json'), JSON.stringify({ version: 1, vms }));
  };

  it('are who the registry says; others are unknown', async () => {
    register({ 1: { pool: 'B', priority: 0 } });
    const mediator = await MediatorProcess.serving(root, '--require-registration');
    const liar = await runClient(root, 1, '100', '200', '--pool', 'A', '--priority', 'high');
    expect(liar).toEqual({ status: 0, stdout: '300\n', stderr: '' });
    expect(await mediator.finished(1)).toMatchObject([
      { vm: 1, pool: 'B', priority: 0, claimedPool: 'A', claimedPriority: 2 },
    ]);
    const stranger = await runClient(root, 2, '100', '200');
    expect(stranger).toMatchObject({ status: 65, stdout: '' });
    expect(stranger.stderr).toMatch(/^vgpu-vm-client: .*VM 2 is not registered on this host.*\n$/);
    mediator.signal('SIGUSR1');
    await until(() => mediator.logged('statistics').length > 0, 'the statistics');
    expect(mediator.logged('statistics')).toMatchObject([{ claimsOverridden: { 1: 1 } }]);
    expect(await mediator.stop()).toBe(0);
  });

  it('can be changed while it runs; a registry that is invalid changes nothing', async () => {
    const mediator = await MediatorProcess.serving(root);
    const reload = async (vms: object, message: string) => {
      register(vms);
      const before = mediator.logged(message).length;
      mediator.signal('SIGHUP');
      await until(() => mediator.logged(message).length > before, message);
    };
    expect((await runClient(root, 1, '1', '2')).status).toBe(0);
    await reload({ 1: { pool: 'A', priority: 1, suspended: true } }, 'configuration reloaded');
    const suspended = await runClient(root, 1, '1', '2');
    expect(suspended).toMatchObject({ status: 65, stdout: '' });
    expect(suspended.stderr).toContain('VM 1 is suspended');
    await reload({ 1: 'free' }, 'keeping the registry, because the new one is invalid');
    expect((await runClient(root, 1, '1', '2')).status).toBe(65);
    await reload({ 1: { pool: 'A', priority: 1 } }, 'configuration reloaded');
    expect((await runClient(root, 1, '1', '2')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });

  it('keep a mediator from starting whose registry is invalid', async () => {
    register({ 0: { pool: 'A', priority: 1 } });
    const { status, stderr } = await runMediator('--root', root.path, '--backend', 'cpu');
    expect(status).toBe(78);
    expect(stderr).toMatch(/^vgpu-mediator: the registry .*registry\.json is invalid: .*\n$/);
  });

  it('may not send faster than the limit; others are not concerned', async () => {
    const mediator = await MediatorProcess.serving(root, '--rate-limit=0.001', '--rate-burst=2');
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await runClient(root, 1, '1', '2')).status);
    expect(statuses).toEqual([0, 0, 75]);
    expect((await runClient(root, 2, '1', '2')).status).toBe(0);
    expect(mediator.logged('request rejected')).toMatchObject([{ vm: 1, outcome: 'RATE_LIMITED' }]);
    expect(await mediator.stop()).toBe(0);
  });
});
