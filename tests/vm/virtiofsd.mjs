// virtiofs: shares a VM's directory by the hypervisor itself, without a network. It runs as the VM's own
// user, who is root in a user namespace of its own: what root in the guest makes is that user's.
import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { end, environment, hasEnded, own, until } from './processes.mjs';

/** The name by which the guest mounts it. */
export const TAG = 'vgpu';

export class Virtiofsd {
  /** QEMU connects to it. */
  socket;
  #child;

  /**
   * Starts it. It ends with the QEMU that was connected.
   *
   * @param {object} options
   * @param {import('./vms.mjs').Vm} options.vm
   * @param {string} options.directory what it shares
   * @param {string} options.base where it makes a folder for its socket
   */
  constructor({ vm, directory, base }) {
    const folder = join(base, `virtiofs-${vm.id}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chownSync(folder, vm.uid, vm.uid);
    this.socket = join(folder, 'socket');
    const user = ['--reuid', String(vm.uid), '--regid', String(vm.uid), '--clear-groups'];
    // It wants to lock a file in /run, where only root of the host may make one.
    const script = 'mount -t tmpfs none /run && exec "$@"';
    const server = ['/usr/lib/qemu/virtiofsd', `--socket-path=${this.socket}`];
    const args = [
      ...[...user, 'unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'],
      ...[...server, '-o', `source=${directory}`, '-o', 'log_level=err'],
    ];
    this.#child = own(spawn('setpriv', args, { stdio: 'ignore', env: environment, cwd: '/' }));
  }

  /** Waits until QEMU can connect. */
  async ready() {
    await until(() => existsSync(this.socket) || hasEnded(this.#child), 'virtiofsd');
    if (hasEnded(this.#child)) throw new Error('virtiofsd did not start');
  }

  async stop() {
    await end(this.#child, 'SIGKILL');
  }
}
