// The host's directories, owned as SECURITY.md says, and a secret that no guest may get at. The
// mediator may read and replace it: what keeps it from that has to be its care, not a mode.
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MEDIATOR_USER, VMS } from './vms.mjs';

export class Spool {
  /** What is in the secret file: it is a request, so that serving it would show. */
  secret = 'A:2:1:4711:42\n';

  /** @param {string} base */
  constructor(base) {
    this.root = join(base, 'vgpu');
    this.secretFile = join(base, 'secret');
    writeFileSync(this.secretFile, this.secret, { mode: 0o600 });
    chownSync(this.secretFile, MEDIATOR_USER, MEDIATOR_USER);
    this.#make(this.root, 0o755, MEDIATOR_USER);
    this.#make(`${this.root}-state`, 0o700, MEDIATOR_USER);
    for (const { id, uid } of VMS) this.#make(this.directory(id), 0o2770, uid);
    const vms = VMS.map(({ id, pool, priority }) => [id, { pool, priority }]);
    const registry = JSON.stringify({ version: 1, vms: Object.fromEntries(vms) });
    const file = join(`${this.root}-state`, 'registry.json');
    writeFileSync(file, registry, { mode: 0o600 });
    chownSync(file, MEDIATOR_USER, MEDIATOR_USER);
  }

  directory(/** @type {number} */ vm) {
    return join(this.root, `vm${vm}`);
  }

  /** The names of what is in a VM's directory. */
  list(/** @type {number} */ vm) {
    return readdirSync(this.directory(vm)).sort();
  }

  read(/** @type {number} */ vm, /** @type {string} */ name) {
    return readFileSync(join(this.directory(vm), name), 'utf8');
  }

  /** The directories are the mediator's; each VM's group may write in its own. */
  #make(/** @type {string} */ directory, /** @type {number} */ mode, /** @type {number} */ group) {
    mkdirSync(directory);
    chownSync(directory, MEDIATOR_USER, group);
    chmodSync(directory, mode);
  }
}
