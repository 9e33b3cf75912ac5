// How long single requests take with what a guest's file system remembers, and without. The figures
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
  /**
   * @param {string} name
   * @param {number} rounds
   * @param {'one-by-one' | 'plain' | 'files'} manner
   */
  const measure = (name, rounds, manner = 'one-by-one') =>
    report.check(`one request after the other, ${name}`, async () => {
      const { wrong, medianMs, maxMs } = await burst(guest, rounds, manner);
      deepEqual(wrong, []);
      report.note(`${name}: median ${medianMs} ms, longest ${maxMs} ms of ${rounds}`);
      ok(maxMs < TOO_LATE_MS, `an answer after ${maxMs} ms`);
    });
  const slow = `a device that takes ${SLOW_DEVICE_MS} ms`;

  for (const options of ['actimeo=0', 'lookupcache=positive', '']) {
    await guest.mount(options);
    await measure(`NFS, ${options || 'default options'}`, 20);
  }
  await measure('NFS, default options, the file operations alone', 20, 'files');
  await measure('NFS, default options, the plain slot', 10, 'plain');
  await guest.mountVirtiofs();
  await measure('virtiofs, default options', 20);
  await measure('virtiofs, the file operations alone', 20, 'files');
  await measure('virtiofs, the plain slot', 10, 'plain');
  await mediator.stop();
  await mediator.start('--cpu-delay', String(SLOW_DEVICE_MS));
  await measure(`virtiofs, ${slow}`, 10);
  await guest.mount();
  await measure(`NFS, default options, ${slow}`, 10);
  await mediator.stop();
  await mediator.start();
}
