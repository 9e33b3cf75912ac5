import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MediatorProcess, runClient, TestRoot, until } from './support/processes.js';

describe('error answers, as a client shows them', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = new TestRoot([1]);
  });
  afterEach(() => {
    root.remove();
  });

  const requestOfClient = () => readdirSync(root.in(1)).find((name) => name.startsWith('request-'));

  it.each([
    ['BAD_REQUEST', 'C:1:1:100:200\n', 65, `pool: expected 'A' or 'B', got "C"`],
    ['BAD_REQUEST', 'A:1:1:100 :200\n', 65, 'a: expected a decimal int32'],
    ['BAD_REQUEST', '\x00\xff\x1b[31m\n', 65, String.raw`got "\u0000`],
    ['OUT_OF_RANGE', 'A:1:1:100:2147483648\n', 65, 'b: expected a number from -2147483648'],
    ['LENGTH_MISMATCH', 'A:1:1:1,2:1\n', 65, 'b: expected as many numbers as in a (2), got 1'],
    ['TOO_LARGE', `A:1:1:${'1,'.repeat(40_000)}1:1\n`, 65, 'expected at most 65536 bytes'],
    ['VM_MISMATCH', 'A:2:2:100:200\n', 65, 'vm: expected 1, got 2'],
  ])('%s', async (code, line, status, text) => {
    // The client sends no such thing: its request is exchanged before a mediator reads it.
    const client = runClient(root, 1, '100', '200', '--json');
    await until(() => requestOfClient() !== undefined, 'the request');
    writeFileSync(root.in(1, requestOfClient() ?? ''), line);
    const mediator = await MediatorProcess.serving(root);
    const { stdout, stderr, status: actual } = await client;
    expect({ stdout, status: actual }).toEqual({ stdout: '', status });
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    await until(() => mediator.logged('request rejected').length > 0, 'the log line');
    expect(mediator.logged('request rejected').map(({ outcome }) => outcome)).toEqual([code]);
    expect(await mediator.stop()).toBe(0);
    expect(readdirSync(root.in(1))).toEqual([]);
  });

  it('DEADLINE, and the device serves on', async () => {
    const flags = ['--cpu-delay', '1000', '--exec-limit', '100'];
    const mediator = await MediatorProcess.serving(root, ...flags);
    const failed = [await runClient(root, 1, '1', '2'), await runClient(root, 1, '1', '2')];
    for (const { status, stdout, stderr } of failed) {
      expect({ status, stdout }).toEqual({ status: 75, stdout: '' });
      expect(stderr).toMatch(/^vgpu-vm-client: .*did not finish within 100 ms.*\n$/);
    }
    expect((await mediator.finished(2)).map(({ outcome }) => outcome)).toEqual([
      'DEADLINE',
      'DEADLINE',
    ]);
    await mediator.stop();
  });

  it('DEVICE_FAILED', async () => {
    const script = join(import.meta.dirname, 'support/failing-mediator.mjs');
    const mediator = spawn(process.execPath, [script, root.path], { stdio: 'ignore' });
    root.own(mediator);
    const { status, stdout, stderr } = await runClient(root, 1, '1', '2');
    mediator.kill('SIGTERM');
    await once(mediator, 'exit');
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    expect(stderr).toMatch(/^vgpu-vm-client: .*launch failed \(not really\).*\n$/);
  });
});
