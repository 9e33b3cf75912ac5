// Mediator and NFS server are killed while guests wait: every answer arrives all the same.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../processes.mjs';
import { burst } from '../world.mjs';

const REQUESTS = 20;
/** How long a device takes for each, so that there is something to wait for. */
const DELAY_MS = '100';

/** @param {import('../world.mjs').World} world */
export async function restarts(world) {
  const { report, mediator, ganesha, spool, guests } = world;
  await mediator.stop();
  await mediator.start('--cpu-delay', DELAY_MS);

  await report.check('the mediator is killed while all VMs wait: all answers arrive', () =>
    whileWaiting(world, async () => {
      await mediator.kill();
      await sleep(500);
      await mediator.start('--cpu-delay', DELAY_MS);
    }),
  );
  await report.check('the NFS server is killed while all VMs wait: all answers arrive', () =>
    whileWaiting(world, async () => {
      await ganesha.kill();
      await sleep(500);
      await ganesha.start();
    }),
  );
  await report.check('nothing is left in the directories after that', () => {
    for (const { vm } of guests) deepEqual(spool.list(vm.id), []);
  });
  await mediator.stop();
  await mediator.start();
}

/**
 * Does something while every VM has requests of which some are answered and some are not.
 *
 * @param {import('../world.mjs').World} world
 * @param {() => Promise<void>} disturb
 */
async function whileWaiting({ guests, mediator }, disturb) {
  const since = mediator.log.length;
  const bursts = Promise.all(guests.map((guest) => burst(guest, REQUESTS, 'together')));
  bursts.catch(() => undefined);
  const hasStarted = () =>
    guests.every(({ vm }) => mediator.logged('request queued', vm.id, since).length > 0) &&
    mediator.logged('request finished', undefined, since).length > 2;
  await until(hasStarted, 'requests of all VMs');
  const total = REQUESTS * guests.length;
  ok(mediator.logged('request finished', undefined, since).length < total, 'some still wait');
  await disturb();
  for (const { count, wrong } of await bursts) {
    deepEqual(wrong, []);
    equal(count, REQUESTS);
  }
}
