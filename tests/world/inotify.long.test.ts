import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { CLIENT, MediatorProcess, run, runClient } from '../support/processes.js';
import { describeIf } from '../support/describe-if.js';
import { FragileRoot } from '../support/world.js';

const SCANNED_ONLY = 'inotify is not available for some directories; they are only scanned';

/**
 * Arguments with which unshare(1) becomes the command that follows, with this many inotify instances or
 * watches. These are limits of a user namespace of its own: the machine's stay as they are.
 */
function limited(what: 'instances' | 'watches', count: number): string[] {
  const script = `echo ${count} > /proc/sys/user/max_inotify_${what} && exec "$@"`;
  return ['--user', '--map-root-user', 'sh', '-c', script, 'sh'];
}

const mayLimit = spawnSync('unshare', [...limited('watches', 1), 'true']).status === 0;
const HINT = 'skipped: it needs the right to create user namespaces; run it as root';

describeIf(mayLimit, HINT, 'a mediator for whom inotify', () => {
  let root: FragileRoot;
  beforeEach(() => {
    root = new FragileRoot([1, 2]);
  });
  afterEach(() => {
    root.remove();
  });

  it.each([
    ['instances have run out', limited('instances', 0), 'EMFILE'],
    ['watches have run out', limited('watches', 2), 'ENOSPC'],
  ])('%s finds requests by looking, and says so once', async (_what, through, error) => {
    root.launch = { through: ['unshare', ...through] };
    for (const vm of [1, 2]) root.drop(vm, 'a', `A:1:${vm}:1:2\n`);
    const mediator = await MediatorProcess.serving(root, '--poll-interval', '50');
    for (const vm of [1, 2]) await root.answered(vm, 'a', '3\n');
    for (const vm of [1, 2]) {
      expect((await runClient(root, vm, '3', '4')).stdout).toBe('7\n');
      expect((await runClient(root, vm, '3', '4', '--plain')).stdout).toBe('7\n');
    }
    mkdirSync(root.in(3));
    expect((await runClient(root, 3, '5', '6')).stdout).toBe('11\n');
    expect(mediator.logged(SCANNED_ONLY)).toEqual([
      expect.objectContaining({
        level: 'warn',
        error: expect.stringContaining(error),
        remedy: 'raise fs.inotify.max_user_watches and fs.inotify.max_user_instances',
      }),
    ]);
    expect(await mediator.stop()).toBe(0);
  });

  it('works serves a client for whom it does not', async () => {
    await MediatorProcess.serving(root);
    const client = [process.execPath, CLIENT, '--root', root.path, '--vm-id', '1', '1', '2'];
    const args = [...limited('instances', 0), ...client];
    expect(await run('unshare', args)).toEqual({ status: 0, stdout: '3\n', stderr: '' });
  });
});
