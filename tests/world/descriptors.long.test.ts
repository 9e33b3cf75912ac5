import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { MediatorProcess, runClient, until } from '../support/processes.js';
import { describeIf } from '../support/describe-if.js';
import { FragileRoot } from '../support/world.js';

const CANNOT_OPEN = 'cannot open a VM directory; trying again at each scan';

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

describeIf(
  hasPrlimit,
  'skipped: it needs prlimit (of util-linux)',
  'open files that run out',
  () => {
    let root: FragileRoot;
    let mediator: MediatorProcess;
    beforeEach(async () => {
      root = new FragileRoot([]);
      mediator = await MediatorProcess.serving(root, '--poll-interval', '100');
      // Node needs more to load its modules than to serve.
      const pid = String(mediator.pid);
      execFileSync('prlimit', ['--pid', pid, '--nofile=60:60']);
    });
    afterEach(() => {
      root.remove();
    });

    const vms = Array.from({ length: 100 }, (_, index) => index + 1);
    const served = () => vms.filter((vm) => root.answer(vm, 'a') === '3\n');

    it('leave those VM directories served that fit, and the others when there is room', async () => {
      for (const vm of vms) {
        mkdirSync(root.in(vm));
        root.drop(vm, 'a', `A:1:${vm}:1:2\n`);
      }
      await until(() => mediator.logged(CANNOT_OPEN).length > 0, 'the complaint');
      expect(mediator.logged(CANNOT_OPEN)[0]).toMatchObject({
        level: 'warn',
        error: expect.stringContaining('EMFILE'),
        remedy: 'raise the limit of open files (ulimit -n)',
      });
      await until(() => served().length >= 10, 'those that fit to be served');
      const [first = 0] = served();
      expect((await runClient(root, first, '3', '4')).stdout).toBe('7\n');

      const answered = new Set<number>();
      await until(() => {
        for (const vm of served()) {
          answered.add(vm);
          rmSync(root.in(vm), { recursive: true });
        }
        return answered.size === vms.length;
      }, 'the others to be served in turn');
      expect(await mediator.stop()).toBe(0);
    });
  },
);
