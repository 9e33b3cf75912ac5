import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { CLIENT, MEDIATOR, MediatorProcess, until } from '../support/processes.js';
import { asUser, describeAsOthers, NOBODY, PublicPrograms } from '../support/public-programs.js';
import { describeOnTerminals, OnTerminal } from '../support/terminal.js';
import { FragileRoot, sums } from '../support/world.js';

/** More lines than a terminal and the mebibyte that may wait have room for. */
const BATCHES = 8;
const REQUESTS_PER_BATCH = 500;

let root: FragileRoot;
let client: VgpuClient;
beforeEach(() => {
  root = new FragileRoot([1]);
  client = new VgpuClient({ root: root.path, vmId: 1 });
});
afterEach(async () => {
  await client.close();
  root.remove();
});

/** A mediator on a terminal, as a user starts it there. */
function mediatorOn(
  command: readonly string[] = [process.execPath, MEDIATOR],
  ...flags: string[]
): OnTerminal {
  const fixed = ['--root', root.path, '--backend', 'cpu', '--log-level', 'debug'];
  return new OnTerminal(root, ...command, ...fixed, ...flags);
}

async function expectServes(requests: number): Promise<void> {
  expect(await sums(client, requests)).toEqual(Array.from({ length: requests }, (_, n) => n + 1));
}

describeOnTerminals('a mediator whose log is on a terminal', () => {
  it('that nobody reads serves on, and ends when it is told to', async () => {
    const mediator = mediatorOn();
    for (let batch = 0; batch < BATCHES; batch += 1) await expectServes(REQUESTS_PER_BATCH);
    mediator.signal('SIGTERM');
    expect(await mediator.ended()).toBe(0);
  });

  it('that is held by Ctrl-S serves on, and says afterwards what was dropped', async () => {
    const mediator = mediatorOn();
    mediator.tell('read');
    await until(() => mediator.text.includes(' ready '), 'it to be ready');
    mediator.tell('stop');
    for (let batch = 0; batch < BATCHES; batch += 1) await expectServes(REQUESTS_PER_BATCH);
    expect(mediator.text).not.toContain('dropped');
    mediator.tell('start');
    await until(() => /were dropped.* lines=[1-9]/.test(mediator.text), 'the log to go on');
    mediator.signal('SIGTERM');
    expect(await mediator.ended()).toBe(0);
    expect(mediator.text).toContain('stopping reason=SIGTERM');
  });

  it('that is closed ends', async () => {
    const mediator = mediatorOn();
    await expectServes(1);
    mediator.tell('close');
    expect(await mediator.ended()).toBe(0);
    const next = await MediatorProcess.serving(root);
    expect(await next.stop()).toBe(0);
  });

  it('that is open reloads at SIGHUP', async () => {
    const mediator = mediatorOn();
    mediator.tell('read');
    await until(() => mediator.text.includes(' ready '), 'it to be ready');
    mediator.signal('SIGHUP');
    await until(() => mediator.text.includes('configuration reloaded'), 'the reload');
    await expectServes(1);
    mediator.signal('SIGTERM');
    expect(await mediator.ended()).toBe(0);
  });
});

describeOnTerminals('a command whose terminal is held', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('is ended by %s: status --watch', async (signal) => {
    const mediator = await MediatorProcess.serving(root);
    const flags = ['status', '--watch', '--interval', '1', '--root', root.path];
    const command = new OnTerminal(root, process.execPath, MEDIATOR, ...flags);
    command.tell('read');
    await until(() => command.text.includes('vgpu-mediator 0.0.0'), 'a status');
    command.tell('stop');
    command.signal(signal);
    await command.ended();
    expect(await mediator.stop()).toBe(0);
  });

  it('is ended by SIGTERM: bench', async () => {
    const mediator = await MediatorProcess.serving(root);
    const flags = ['bench', '--root', root.path, '--vm-id', '1', '--duration', '60s'];
    const command = new OnTerminal(root, process.execPath, CLIENT, ...flags);
    command.tell('read');
    await until(() => command.text.includes('answered'), 'the progress');
    command.tell('stop');
    command.signal('SIGTERM');
    expect(await command.ended()).toBe(-15);
    expect(await mediator.stop()).toBe(0);
  });
});

it('a mediator whose log is a pipe that nobody reads serves on, and ends with its status', async () => {
  // Node's own pipes are sockets.
  const fifo = join(root.base, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  root.launch = { through: ['sh', '-c', `exec "$@" 2>${fifo}`, 'sh'] };
  const mediator = new MediatorProcess(root, '--log-level', 'debug');
  for (let batch = 0; batch < BATCHES; batch += 1) await expectServes(REQUESTS_PER_BATCH);
  expect(await mediator.stop()).toBe(0);
  closeSync(reader);
});

describeAsOthers('a mediator that may not open its terminal', () => {
  let programs: PublicPrograms;
  beforeAll(async () => {
    programs = await PublicPrograms.make();
  });
  afterAll(() => {
    programs.remove();
  });

  it('serves on while nobody reads it, and ends with its status', async () => {
    for (const path of [root.base, root.path, root.in(1)]) chownSync(path, NOBODY, NOBODY);
    // In a session without a terminal; a thread comes to stand still in write(2).
    const program = ['setsid', '--wait', programs.node, programs.mediator];
    const mediator = mediatorOn(['setpriv', ...asUser(NOBODY, program)]);
    for (let batch = 0; batch < BATCHES; batch += 1) await expectServes(REQUESTS_PER_BATCH);
    const { pid } = mediator;
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')), 'SIGTERM');
    expect(await mediator.ended()).toBe(0);
  });
});
