// How long single requests take with what a guest's NFS client remembers, and without. The figures
// are for the reader; what is checked is that no answer is seen as late as a remembered absence would
// make it (20 to 30 s).
import { deepEqual, ok } from 'node:assert/strict';
import { burst } from '../world.mjs';

const TOO_LATE_MS = 10_000;
/** So slow a device has the client look in vain first, which is what an NFS client remembers. */
const SLOW_DEVICE_MS = 300;

/** @param {import('../world.mjs').World} world */
export async function caching({ report, guests: [guest], mediator }) {
  ok(guest);
  /** @param {string} options @param {string} name @param {number} rounds */
  const measure = (options, name, rounds) =>
    report.check(`one request after the other, ${name}`, async () => {
      await guest.mount(options);
      const { wrong, medianMs, maxMs } = await burst(guest, rounds, 'one-by-one');
      deepEqual(wrong, []);
      report.note(`${name}: median ${medianMs} ms, longest ${maxMs} ms of ${rounds}`);
      ok(maxMs < TOO_LATE_MS, `an answer after ${maxMs} ms`);
    });
  for (const options of ['', 'actimeo=0', 'lookupcache=positive']) {
    await measure(options, options || 'default mount options', 20);
  }
  await mediator.stop();
  await mediator.start('--cpu-delay', String(SLOW_DEVICE_MS));
  await measure('', `default mount options, a device that takes ${SLOW_DEVICE_MS} ms`, 10);
  await mediator.stop();
  await mediator.start();
}
