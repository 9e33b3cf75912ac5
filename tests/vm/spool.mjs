// The host's directories, owned as SECURITY.md says, and a secret that no guest may get at. The
// mediator may read and replace it: what keeps it from that has to be its care, not a mode.
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deviceFileOf } from '@vgpu/mediator';
import { execute } from './processes.mjs';
import { MEDIATOR_USER, VMS } from './vms.mjs';

export class Spool {
  /** What is in the secret file: it is a request, so that serving it would show. */
  secret = 'A:2:1:4711:42\n';

  #stateDir;

  /** @param {string} base @param {string} program the mediator's */
  constructor(base, program) {
    this.root = join(base, 'vgpu');
    this.secretFile = join(base, 'secret');
    writeFileSync(this.secretFile, this.secret, { mode: 0o600 });
    chownSync(this.secretFile, MEDIATOR_USER, MEDIATOR_USER);
    this.#stateDir = `${this.root}-state`;
    makeFor(MEDIATOR_USER, this.root, 0o755);
    makeFor(MEDIATOR_USER, this.#stateDir, 0o700);
    for (const { id, uid, pool, priority } of VMS) {
      const identity = ['--pool', pool, '--priority', String(priority), '--gid', String(uid)];
      execute(process.execPath, [
        ...[program, 'vm', 'add', String(id), ...identity],
        ...['--root', this.root],
      ]);
    }
  }

  /** The file with a VM's register block. */
  deviceFile(/** @type {number} */ vm) {
    return deviceFileOf(this.#stateDir, vm);
  }

  directory(/** @type {number} */ vm) {
    return join(this.root, `vm${vm}`);
  }

  /** The names of what is in a VM's directory, but for the plain request that was answered last. */
  list(/** @type {number} */ vm) {
    const names = readdirSync(this.directory(vm)).sort();
    return names.filter((name) => !name.startsWith('.vgpu-taken-'));
  }

  read(/** @type {number} */ vm, /** @type {string} */ name) {
    return readFileSync(join(this.directory(vm), name), 'utf8');
  }
}

/** @param {number} user @param {string} directory @param {number} mode */
function makeFor(user, directory, mode) {
  mkdirSync(directory);
  chownSync(directory, user, user);
  chmodSync(directory, mode);
}
