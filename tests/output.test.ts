import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CLIENT,
  environment,
  MEDIATOR,
  MediatorProcess,
  run,
  TestRoot,
} from './support/processes.js';

let root: TestRoot;
beforeEach(() => {
  root = new TestRoot();
});
afterEach(() => {
  root.remove();
});

/** Runs a program with its output where nothing can be written. */
async function runFull(program: string, ...args: string[]) {
  const full = openSync('/dev/full', 'w');
  const command = [program, ...args];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', full, 'pipe'],
    env: { ...environment, VGPU_ROOT: root.path },
  });
  closeSync(full);
  root.own(child);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stderr };
}

/** The status of a program whose reader reads the first line only. */
async function statusBeforeHead(program: string, ...args: string[]): Promise<string> {
  const script = '"$@" | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"';
  const command = ['-c', script, 'bash', process.execPath, program, ...args];
  const env = { ...environment, VGPU_ROOT: root.path };
  return (await run('bash', command, { env })).stdout.trim();
}

describe('a command whose output cannot be written', () => {
  it.each([
    [MEDIATOR, ['--help']],
    [MEDIATOR, ['vm', 'add', '--help']],
    [MEDIATOR, ['--version']],
    [MEDIATOR, ['--print-config']],
    [MEDIATOR, ['--check-config', '--json']],
    [MEDIATOR, ['vm', 'list', '--json']],
    [MEDIATOR, ['vm', 'add', '7', '--pool', 'A', '--priority', 'low', '--json']],
    [MEDIATOR, ['completion', 'bash']],
    [MEDIATOR, ['completion', '--words', '']],
    [CLIENT, ['--help']],
    [CLIENT, ['--version']],
    [CLIENT, ['bench', '--help']],
    [CLIENT, ['completion', 'zsh']],
    [CLIENT, ['completion', '--words', '']],
  ])('fails, and says why: %s %j', async (program, args) => {
    const { status, stderr } = await runFull(program, ...args);
    expect(status).toBe(73);
    expect(stderr).toMatch(/^vgpu-\S+: cannot write the output: ENOSPC.*\n$/m);
  });

  it.each([
    [['status']],
    [['status', '--json']],
    [['status', '--watch', '--interval', '10']],
    [['status', '--watch', '--json']],
    [['doctor', '--backend', 'cpu', '--skip', 'exports,leases']],
    [['drain', '--no-wait']],
    [['drain', '--json']],
  ])('fails beside a mediator that is running: %j', async (args) => {
    const mediator = await MediatorProcess.serving(root);
    const { status, stderr } = await runFull(MEDIATOR, ...args);
    expect(status).toBe(73);
    expect(stderr.match(/cannot write the output/g)).toHaveLength(1);
    // A mediator that has been drained ends by itself.
    if (args[0] !== 'drain') mediator.signal('SIGTERM');
    expect(await mediator.exited).toBe(0);
  });

  it('fails where the sum is not printed, or not the figures of a benchmark', async () => {
    const mediator = await MediatorProcess.serving(root);
    for (const args of [
      ['1', '2'],
      ['bench', '--duration', '100ms'],
    ]) {
      expect((await runFull(CLIENT, ...args, '--vm-id', '1')).status).toBe(73);
    }
    expect(await mediator.stop()).toBe(0);
  });
});

describe('a command whose reader has gone', () => {
  it.each([
    [['status', '--watch', '--interval', '10']],
    [['status', '--watch', '--json', '--interval', '10']],
  ])('ends as by SIGPIPE: %j', async (args) => {
    const mediator = await MediatorProcess.serving(root);
    expect(await statusBeforeHead(MEDIATOR, ...args)).toBe('141');
    expect(await mediator.stop()).toBe(0);
  });

  it('ends, too, where only errors are read, and there is no mediator', async () => {
    const script = '"$@" 2>&1 >/dev/null | head -n 1; echo "${PIPESTATUS[0]}"';
    const command = ['-c', script, 'bash', process.execPath, MEDIATOR, 'status', '--watch'];
    const env = { ...environment, VGPU_ROOT: root.path };
    const { stdout } = await run('bash', [...command, '--interval', '10'], { env });
    expect(stdout).toMatch(/^vgpu-mediator: .*\n141\n$/);
  });
});
