import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MediatorProcess, runClient, runMediator, until } from '../support/processes.js';
import { FragileRoot } from '../support/world.js';

const OFTEN_MS = 50;

describe('a root in the place of one that was moved away', () => {
  let root: FragileRoot;
  const others: FragileRoot[] = [];
  let mediator: MediatorProcess;
  let config: string;
  beforeEach(async () => {
    root = new FragileRoot([1]);
    config = join(root.base, 'config.json');
    writeFileSync(config, JSON.stringify({ 'poll-interval': OFTEN_MS }));
    mediator = await MediatorProcess.serving(root, '--config', config);
    renameSync(root.path, `${root.path}-old`);
    mkdirSync(root.path);
    mkdirSync(root.in(1));
    expect((await runClient(root, 1, '1', '2')).stdout).toBe('3\n');
  });
  afterEach(() => {
    for (const each of [root, ...others.splice(0)]) each.remove();
  });

  it('is watched: new VM directories are noticed without a sweep', async () => {
    writeFileSync(config, JSON.stringify({ 'poll-interval': 600_000 }));
    mediator.signal('SIGHUP');
    await until(() => mediator.logged('configuration reloaded').length === 1, 'the reload');
    // The sweep that was due before is the last one.
    await sleep(4 * OFTEN_MS);
    mkdirSync(root.in(9));
    expect((await runClient(root, 9, '1', '2', '--timeout', '5000')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });

  it('is locked: a second mediator is refused', async () => {
    const flags = ['--root', root.path, '--state-dir', join(root.base, 'other'), '--once'];
    const second = await runMediator(...flags, '--backend', 'cpu');
    expect(second).toMatchObject({ status: 69, stdout: '' });
    expect(await mediator.stop()).toBe(0);
  });

  it('is listed, although it bears the time of the old one', async () => {
    await mediator.stop();
    const link = Object.assign(new FragileRoot([]), { path: join(root.base, 'link') });
    symlinkSync(root.path, link.path);
    const copy = new FragileRoot([2]);
    others.push(link, copy);
    for (const { path } of [root, copy]) utimesSync(path, 1000, 1000);
    mediator = await MediatorProcess.serving(link, '--poll-interval', String(OFTEN_MS));
    // Switched without an event in the root that is watched.
    symlinkSync(copy.path, `${link.path}-new`);
    renameSync(`${link.path}-new`, link.path);
    expect((await runClient(copy, 2, '1', '2', '--timeout', '5000')).stdout).toBe('3\n');
    expect(await mediator.stop()).toBe(0);
  });
});
