// One guest: a QEMU process without KVM, with the VM's device, and a network in which nothing can be
// reached but the NFS server, by an address that is the VM's own.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describeQemu } from '@vgpu/mediator';
import { PciDevice } from './pci-device.mjs';
import { end, environment, own } from './processes.mjs';
import { TAG } from './virtiofsd.mjs';

/** The NFS server as the guests see it. */
export const SERVER = '10.0.2.100';
const MEMORY_MIB = 640;
const BOOT_MS = 60_000;
const COMMAND_MS = 240_000;

/** @typedef {{ status: number, stdout: string, stderr: string, ms: number }} Outcome */

export class Guest {
  /** The emulator of the original device, where the guest has one. @type {PciDevice | undefined} */
  device;
  #consoleFile;
  #child;
  /** @type {Map<number, (outcome: Outcome) => void>} */
  #waiting = new Map();
  #lastId = 0;
  /** @type {(error: Error) => void} */
  #fail = () => undefined;
  /** Rejects when the guest has ended. @type {Promise<never>} */
  #ended = new Promise((_resolve, reject) => (this.#fail = reject));
  /** @type {() => void} */
  #beReady = () => undefined;
  /** @type {Promise<void>} */
  #ready = new Promise((resolve) => (this.#beReady = resolve));

  /**
   * Starts a guest.
   *
   * @param {object} options
   * @param {import('./vms.mjs').Vm} options.vm
   * @param {import('./requirements.mjs').Kernel} options.kernel
   * @param {string} options.image
   * @param {string} options.deviceFile the file with its register block
   * @param {string} options.base a folder for its files
   * @param {number} options.port of the NFS server
   * @param {string} options.virtiofs the socket of the server of its directory
   */
  constructor({ vm, kernel, image, deviceFile, base, port, virtiofs }) {
    this.vm = vm;
    this.#consoleFile = join(base, `vm${vm.id}.console`);
    const relay = join(import.meta.dirname, 'nfs-relay.mjs');
    const command = `'${process.execPath}' '${relay}' ${vm.address} ${port}`.replaceAll(',', ',,');
    const forward = `tcp:${SERVER}:2049-cmd:${command}`;
    const args = [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      // A /dev/kvm that is there may not work.
      ...['-accel', 'tcg', '-cpu', 'max', '-m', String(MEMORY_MIB)],
      // The proxy device and virtiofs want memory that can be shared with their other ends.
      ...['-M', 'pc,memory-backend=ram0'],
      ...['-object', `memory-backend-memfd,id=ram0,size=${MEMORY_MIB}M,share=on`],
      ...['-kernel', kernel.image, '-initrd', image, '-append', commandLine(vm)],
      ...['-serial', `file:${this.#consoleFile}`, '-serial', 'stdio'],
      ...['-netdev', `user,id=net0,restrict=on,guestfwd=${forward}`],
      ...['-device', 'virtio-net-pci,netdev=net0,romfile='],
      ...['-chardev', `socket,id=fs0,path=${virtiofs}`],
      ...['-device', `vhost-user-fs-pci,chardev=fs0,tag=${TAG}`],
      ...(vm.device === 'stub' ? PROXY_DEVICE : describeQemu(deviceFile)),
    ];
    this.#child = spawn('qemu-system-x86_64', args, {
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      env: environment,
    });
    own(this.#child);
    const socket = /** @type {import('node:stream').Duplex} */ (this.#child.stdio[3]);
    if (vm.device === 'stub') this.device = new PciDevice(socket, withoutMagic(deviceFile));
    createInterface({
      input: /** @type {import('node:stream').Readable} */ (this.#child.stdout),
    }).on('line', (line) => {
      this.#hear(line);
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#ended.catch(() => undefined);
    this.#child.on('error', this.#fail).on('exit', () => {
      this.#fail(new Error(`VM-${vm.id} has ended; its console:\n${this.console().slice(-2000)}`));
    });
  }

  /** Waits until the guest has booted. */
  async booted() {
    await this.#within(this.#ready, BOOT_MS, 'to boot');
  }

  /**
   * Runs a shell command in the guest, as its root.
   *
   * @param {string} command
   * @returns {Promise<Outcome>}
   */
  shell(command) {
    const id = (this.#lastId += 1);
    /** @type {Promise<Outcome>} */
    const outcome = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin?.write(`${JSON.stringify({ id, command })}\n`);
    return this.#within(outcome, COMMAND_MS, command);
  }

  /** Mounts the VM's export where the client looks for it; `options` besides the defaults. */
  mount(options = '') {
    return this.#mount((directory) => mountCommand(`/vm${this.vm.id}`, directory, options));
  }

  /** Mounts the VM's directory there by virtiofs, with default options. */
  mountVirtiofs() {
    return this.#mount((directory) => `mount -t virtiofs -o nodev,nosuid ${TAG} ${directory}`);
  }

  async #mount(/** @type {(directory: string) => string} */ command) {
    const directory = `/mnt/vgpu/vm${this.vm.id}`;
    const { status, stderr } = await this.shell(
      `umount ${directory} 2>/dev/null; mkdir -p ${directory}; ${command(directory)}`,
    );
    if (status !== 0) throw new Error(`VM ${this.vm.id} cannot mount: ${stderr}`);
  }

  /** What the guest has written to its console so far. */
  console() {
    return readFileSync(this.#consoleFile, 'latin1').replaceAll('\r', '');
  }

  async stop() {
    await end(this.#child, 'SIGKILL');
  }

  #hear(/** @type {string} */ line) {
    const json = /^VGPU (\{.*\})\s*$/.exec(line)?.[1];
    if (json === undefined) return;
    const message = /** @type {Outcome & { id?: number }} */ (JSON.parse(json));
    if (message.id === undefined) this.#beReady();
    else this.#waiting.get(message.id)?.(message);
  }

  /**
   * @template T
   * @param {Promise<T>} promise
   * @param {number} ms
   * @param {string} what
   * @returns {Promise<T>}
   */
  async #within(promise, ms, what) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(() => {
        const shown = `its console:\n${this.console().slice(-2000)}`;
        reject(new Error(`VM-${this.vm.id} took longer than ${ms} ms: ${what}; ${shown}`));
      }, ms);
    });
    try {
      return await Promise.race([promise, this.#ended, /** @type {Promise<never>} */ (late)]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * The shell command that mounts an export. The addresses are what mount.nfs would find out; busybox
 * leaves that to the caller. Everything else is NFS 4.2 with its defaults.
 *
 * @param {string} path
 * @param {string} directory
 * @param {string} [options]
 */
export const mountCommand = (path, directory, options = '') =>
  `mount -t nfs4 -o vers=4.2,addr=${SERVER},clientaddr=10.0.2.15,nodev,nosuid` +
  `${options && `,${options}`} ${SERVER}:${path} ${directory}`;

/** @param {import('./vms.mjs').Vm} vm */
const commandLine = ({ id }) => `console=ttyS0 vgpu.hostname=vm${id}`;

/** Its other end is the fourth file of the QEMU process. */
const PROXY_DEVICE = ['-device', 'x-pci-proxy-dev,id=vgpu0,fd=3'];

/** The original device has a command and a status register where the block has magic and version. */
function withoutMagic(/** @type {string} */ deviceFile) {
  return readFileSync(deviceFile).fill(0, 0, 8);
}
