// All that a run has: the host's directories, its services, and the guests.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.mjs';
import { Ganesha } from './ganesha.mjs';
import { Guest } from './guest.mjs';
import { buildImage } from './image.mjs';
import { Mediator } from './mediator.mjs';
import { installInto, packAll } from './packages.mjs';
import { Spool } from './spool.mjs';
import { Virtiofsd } from './virtiofsd.mjs';
import { VMS } from './vms.mjs';

/**
 * @typedef {object} World
 * @property {import('./report.mjs').Report} report
 * @property {Spool} spool
 * @property {Mediator} mediator
 * @property {Ganesha} ganesha
 * @property {number} port of the NFS server
 * @property {Guest[]} guests VM-1, VM-2 and VM-4, with their exports mounted
 */

/**
 * Sets everything up, has it used, and takes it down again whatever happened.
 *
 * @param {import('./requirements.mjs').Kernel} kernel
 * @param {import('./report.mjs').Report} report
 * @param {(world: World) => Promise<void>} use
 */
export async function withWorld(kernel, report, use) {
  const base = mkdtempSync(join(tmpdir(), 'vgpu-test-vm-'));
  /** @type {(() => Promise<void>)[]} */
  const endings = [];
  const state = { isEnding: false };
  const endAll = async () => {
    state.isEnding = true;
    for (const end of endings.splice(0).reverse()) await end();
    rmSync(base, { recursive: true, force: true });
  };
  const interrupt = () => {
    void endAll().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    // The mediator's user has to get to its directories.
    chmodSync(base, 0o711);
    console.log('Packing and installing the packages');
    const tarballs = packAll(base);
    const host = join(base, 'host');
    const client = join(base, 'client');
    installInto(host, tarballs);
    installInto(
      client,
      tarballs.filter((path) => /vgpu-(?:linux|protocol|vm-client)-/.test(path)),
    );
    console.log('Building the image of the guests');
    const image = buildImage({ kernel, project: client, base });

    const program = join(host, 'node_modules/.bin/vgpu-mediator');
    const spool = new Spool(base, program);
    const mediator = new Mediator(program, spool.root);
    endings.push(() => mediator.stop());
    await mediator.start();
    const port = await freePort();
    const exports = VMS.map((vm) => ({ vm, directory: spool.directory(vm.id) }));
    const ganesha = new Ganesha(makeFolder(base, 'nfs'), port, exports);
    endings.push(() => ganesha.kill());
    await ganesha.start();

    console.log(`Booting ${VMS.length} guests`);
    const start = performance.now();
    const files = makeFolder(base, 'guests', 0o711);
    const boot = async (/** @type {import('./vms.mjs').Vm} */ vm) => {
      const virtiofsd = new Virtiofsd({ vm, directory: spool.directory(vm.id), base: files });
      endings.push(() => virtiofsd.stop());
      await virtiofsd.ready();
      const guest = new Guest({
        ...{ vm, kernel, image, port, base: files },
        ...{ deviceFile: spool.deviceFile(vm.id), virtiofs: virtiofsd.socket },
      });
      endings.push(() => guest.stop());
      try {
        await guest.booted();
      } catch (error) {
        await guest.stop();
        await virtiofsd.stop();
        throw error;
      }
      return guest;
    };
    const guests = await Promise.all(
      VMS.map((vm) =>
        // An emulated machine may hang at its start where the host is very busy; that is no defect of
        // what is tested here.
        boot(vm).catch((/** @type {unknown} */ error) => {
          if (state.isEnding) throw error;
          report.note(`${String(error)}\nVM-${vm.id} is started once more`);
          return boot(vm);
        }),
      ),
    );
    await Promise.all(guests.map((guest) => guest.mount()));
    console.log(`Booted in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    await use({ report, spool, mediator, ganesha, port, guests });
  } catch (error) {
    // An interrupt need not report that the guests have gone: `interrupt` exits.
    if (state.isEnding) await new Promise(() => undefined);
    throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await endAll();
  }
}

/** @param {string} base @param {string} name @param {number} [mode] */
function makeFolder(base, name, mode = 0o700) {
  const folder = join(base, name);
  mkdirSync(folder, { mode });
  return folder;
}

/**
 * Has many sums computed by the library in a guest.
 *
 * @param {Guest} guest
 * @param {number} count
 * @param {'together' | 'one-by-one' | 'plain' | 'files'} manner
 * @returns {Promise<{ count: number, wrong: string[], medianMs: number, maxMs: number }>}
 */
export async function burst(guest, count, manner) {
  const { status, stdout, stderr } = await guest.shell(`node /app/requests.mjs ${count} ${manner}`);
  if (status !== 0)
    throw new Error(`VM-${guest.vm.id}: requests.mjs ended with ${status}: ${stderr}`);
  return /** @type {Awaited<ReturnType<typeof burst>>} */ (JSON.parse(stdout));
}
