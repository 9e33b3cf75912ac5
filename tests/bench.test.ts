/** `vgpu-vm-client bench` on a real mediator. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CLIENT, environment, MediatorProcess, run, TestRoot } from './support/processes.js';

interface Json {
  readonly all: { readonly sent: number; readonly answered: number };
  readonly priorities: readonly { readonly priority: number; readonly answered: number }[];
}

let root: TestRoot;
beforeEach(() => {
  root = new TestRoot([1, 2, 3]);
});
afterEach(() => {
  root.remove();
});

const runBench = (...args: string[]) =>
  run(process.execPath, [CLIENT, 'bench', '--root', root.path, ...args]);

describe('vgpu-vm-client bench', () => {
  it('plays VMs with their priorities, and shows what became of their requests', async () => {
    const mediator = await MediatorProcess.serving(root);
    const args = ['--vms', '3', '--priority', 'high=1,low=2', '--rate', '40', '--duration', '1s'];
    const { status, stdout, stderr } = await runBench(...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^3 VMs, 40 requests\/s \(poisson\) each, numbers: \d\.\d s\n\n/);
    const rows = stdout.match(/^(?:high|low|all) .*$/gm)?.map((row) => row.split(/ +/)) ?? [];
    expect(rows.map(([name]) => name)).toEqual(['high', 'low', 'all']);
    const [high = 0, low = 0, all] = rows.map(([, sent]) => Number(sent));
    expect(high + low).toBe(all);
    // All were answered, and none badly; each of the three VMs has asked once before.
    expect(rows.every(([, sent, answered, errors]) => sent === answered && errors === '0')).toBe(
      true,
    );
    const served = await mediator.finished(high + low + 3);
    expect(served.filter(({ priority }) => priority === 2)).toHaveLength(high + 1);
    expect(served.filter(({ priority }) => priority === 0)).toHaveLength(low + 2);
    expect(stdout).toMatch(/^< \S+ ms +\d+ +[\d.]+ +#+$/m);
    expect(stderr).toMatch(/^\[-+\] 0 of 1 s, 0 answered/);
    expect(await mediator.stop()).toBe(0);
    for (const vm of [1, 2, 3]) expect(readdirSync(root.in(vm))).toEqual([]);
  });

  it('plays one VM, with its own identity, and gives JSON', async () => {
    const mediator = await MediatorProcess.serving(root);
    const args = [
      '--vm-id',
      '2',
      '--in-flight',
      '4',
      '--size',
      '100',
      '--duration',
      '500ms',
      '--json',
    ];
    const { status, stdout } = await runBench(...args);
    expect(status).toBe(0);
    expect(stdout.trimEnd()).not.toContain('\n');
    const { all, priorities } = JSON.parse(stdout) as Json;
    expect(all).toMatchObject({ answered: all.sent, withdrawn: 0, errors: {} });
    expect(priorities).toEqual([{ ...all, priority: 1 }]);
    const served = await mediator.finished(all.sent + 1);
    expect(served).toHaveLength(all.sent + 1);
    expect(served.every(({ vm }) => vm === 2)).toBe(true);
    await mediator.stop();
  });

  it('makes the directories that are missing only if told to, and for the while', async () => {
    const mediator = await MediatorProcess.serving(root);
    const args = ['--vms', '5-6', '--duration', '200ms'];
    const { status, stdout, stderr } = await runBench(...args);
    expect([status, stdout]).toEqual([69, '']);
    expect(stderr).toMatch(/vm5 does not exist, nor do 1 more; .*--create\n$/);
    expect(await runBench(...args, '--create')).toMatchObject({ status: 0 });
    expect(existsSync(root.in(5))).toBe(false);
    await mediator.stop();
  });

  it('ends with the status of what was answered', async () => {
    const limit = ['--rate-limit', '1', '--rate-burst', '3'];
    const mediator = await MediatorProcess.serving(root, ...limit);
    const args = ['--vm-id', '1', '--duration', '300ms', '--json'];
    const { status, stdout } = await runBench(...args);
    expect(status).toBe(75);
    expect(JSON.parse(stdout)).toMatchObject({
      all: { errors: { RATE_LIMITED: expect.any(Number) } },
    });
    await mediator.stop();
    const noMediator = await runBench('--vm-id', '1', '--timeout', '100', '--json');
    expect(noMediator).toMatchObject({ status: 75, stdout: '' });
    expect(noMediator.stderr).toMatch(/^\{"error":\{"code":"TIMEOUT",.*\}\n$/);
  });

  it('interrupted, takes back what is under way and shows the figures so far', async () => {
    const mediator = await MediatorProcess.serving(root, '--cpu-delay', '50');
    const args = [
      'bench',
      '--root',
      root.path,
      '--vms',
      '3',
      '--in-flight',
      '9',
      '--duration',
      '1h',
    ];
    const child = spawn(process.execPath, [CLIENT, ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    root.own(child);
    const printed = text(child.stdout);
    await mediator.finished(11);
    child.kill('SIGINT');
    await once(child, 'exit');
    expect([child.exitCode, child.signalCode]).toEqual([null, 'SIGINT']);
    const stdout = await printed;
    expect(stdout).toMatch(/^3 VMs, 9 in flight each, numbers: [\d.]+ s, cut short by a signal\n/);
    const [, sent, answered, errors, withdrawn] =
      /^all +(\d+) +(\d+) +(\d+) +(\d+) /m.exec(stdout) ?? [];
    expect(Number(sent)).toBe(Number(answered) + Number(withdrawn));
    expect(errors).toBe('0');
    expect(Number(withdrawn)).toBeGreaterThan(0);
    const left = [1, 2, 3].flatMap((vm) => readdirSync(root.in(vm)));
    expect(left.filter((name) => name.startsWith('request'))).toEqual([]);
    await mediator.stop();
  });
});
