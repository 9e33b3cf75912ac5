import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CLIENT, MediatorProcess, run, TestRoot, until } from './support/processes.js';

const LIBRARY = resolve(import.meta.dirname, '../packages/vm-client/dist/index.js');
const CALLS = 300;

/** Asks for sums until it has this many, again if the slot is in use; returns them. */
const USER = `
  const { VgpuClient } = await import(${JSON.stringify(LIBRARY)});
  const [root, first] = process.argv.slice(1);
  const client = new VgpuClient({ root, vmId: 1, plain: true });
  const wrong = [];
  const codes = {};
  for (let index = 0; index < ${CALLS}; ) {
    const a = Number(first) + index;
    try {
      const sum = await client.add(a, 0);
      if (sum !== a) wrong.push([a, sum]);
      index += 1;
    } catch ({ code }) {
      codes[code] = (codes[code] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    }
  }
  await client.close();
  console.log(JSON.stringify({ wrong, others: Object.keys(codes).filter((code) => code !== 'SLOT_BUSY') }));`;

/** Asks for one sum, and says so before. */
const ASKER = `
  const { VgpuClient } = await import(${JSON.stringify(LIBRARY)});
  const client = new VgpuClient({ root: process.argv[1], vmId: 1, plain: true });
  client.add(1, 2).catch(() => undefined);
  console.log('asked');`;

const program = (script: string) => ['--input-type=module', '-e', script];

describe('the plain slot, by several programs of one VM', () => {
  let root: TestRoot;
  let mediator: MediatorProcess | undefined;
  beforeEach(() => {
    root = new TestRoot([1]);
    mediator = undefined;
  });
  afterEach(async () => {
    await mediator?.stop();
    root.remove();
  });

  const names = () => readdirSync(root.in(1)).filter((name) => !name.startsWith('.vgpu-taken-'));

  async function asking(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [...program(ASKER), root.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    root.own(child);
    await once(createInterface(child.stdout), 'line');
    await until(() => existsSync(root.in(1, 'request.txt')), 'the request');
    return child;
  }

  const cli = (...args: string[]) =>
    run(process.execPath, [CLIENT, '--root', root.path, '--vm-id', '1', '--plain', ...args]);

  it('gives each its own sums', async () => {
    mediator = await MediatorProcess.serving(root);
    const users = ['1000000', '2000000', '3000000'].map((first) =>
      run(process.execPath, [...program(USER), root.path, first]),
    );
    for (const { stdout, stderr } of await Promise.all(users)) {
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual({ wrong: [], others: [] });
    }
    expect(names()).toEqual([]);
  }, 300_000);

  it('is refused while another program has it, and free once that one was killed', async () => {
    const first = await asking();
    const refused = await cli('3', '4');
    expect(refused).toMatchObject({ status: 75, stdout: '' });
    expect(refused.stderr).toContain('used by another program of this VM');
    expect(names().sort()).toEqual(['request.txt', 'response.txt']);
    first.kill('SIGKILL');
    await once(first, 'exit');
    // What it asked for stays until it has been computed; that is no user's any more.
    mediator = await MediatorProcess.serving(root);
    await until(() => !existsSync(root.in(1, 'request.txt')), 'the request to be cleared');
    expect(await cli('3', '4')).toMatchObject({ status: 0, stdout: '7\n' });
    expect(names()).toEqual([]);
  }, 120_000);

  it('is free after a time-out, and the next one gets its own sum', async () => {
    expect(await cli('--timeout', '100', '1', '2')).toMatchObject({ status: 75 });
    expect(names()).toEqual([]);
    mediator = await MediatorProcess.serving(root);
    expect(await cli('3', '4')).toMatchObject({ status: 0, stdout: '7\n' });
  }, 120_000);
});
