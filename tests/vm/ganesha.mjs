// NFS-Ganesha: a file server that needs no kernel and mounts nothing here. One export for each VM, as
// SECURITY.md has it: for one address, and all users of the VM are one user of the host. What
// Ganesha has not is `subtree_check`; the modes of the files have to do (SECURITY.md, "why").
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, environment, hasEnded, own, until } from './processes.mjs';

export class Ganesha {
  #base;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #starts = 0;

  /**
   * @param {string} base a folder for its files
   * @param {number} port on the loopback, above 1023
   * @param {{ vm: import('./vms.mjs').Vm, directory: string }[]} exports
   */
  constructor(base, port, exports) {
    this.#base = base;
    mkdirSync(join(base, 'recovery'), { recursive: true });
    writeFileSync(this.#file('conf'), configuration(join(base, 'recovery'), port, exports));
  }

  /** Starts it, and waits until it serves. */
  async start() {
    this.#starts += 1;
    const log = this.#file(`${this.#starts}.log`);
    writeFileSync(log, '');
    const args = ['-F', '-f', this.#file('conf'), '-L', log, '-p', this.#file('pid')];
    const child = own(spawn('/usr/bin/ganesha.nfsd', args, { stdio: 'ignore', env: environment }));
    this.#child = child;
    const said = () => readFileSync(log, 'utf8');
    await until(
      () => said().includes('NFS SERVER INITIALIZED') || hasEnded(child),
      'the NFS server',
    );
    if (hasEnded(child)) throw new Error(`the NFS server did not start:\n${said().slice(-2000)}`);
  }

  /** Ends it at once, as a crash does. */
  async kill() {
    if (this.#child) await end(this.#child, 'SIGKILL');
  }

  #file(/** @type {string} */ name) {
    return join(this.#base, `ganesha.${name}`);
  }
}

/**
 * @param {string} recovery
 * @param {number} port
 * @param {{ vm: import('./vms.mjs').Vm, directory: string }[]} exports
 */
const configuration = (recovery, port, exports) => `
NFS_CORE_PARAM {
  Protocols = 4; NFS_Port = ${port}; Bind_addr = 127.0.0.1; mount_path_pseudo = true;
  Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
}
NFSV4 {
  Minor_Versions = 1, 2; Only_Numeric_Owners = true; Delegations = false;
  # The time in which clients say after a restart what they had open.
  Grace_Period = 10; Lease_Lifetime = 10; RecoveryRoot = ${recovery};
}
NFS_KRB5 { Active_krb5 = false; }
# The mediator changes the files behind the server's back: it must not remember what was there.
MDCACHE { Dir_Chunk = 0; }
EXPORT_DEFAULTS { Attr_Expiration_Time = 0; }
LOG { Default_Log_Level = EVENT; }
${exports.map(({ vm, directory }) => exportOf(vm, directory)).join('')}`;

/** @param {import('./vms.mjs').Vm} vm @param {string} directory */
const exportOf = ({ id, address, uid }, directory) => `
EXPORT {
  Export_Id = ${id}; Path = ${directory}; Pseudo = /vm${id};
  Access_Type = None; SecType = sys; Protocols = 4; Transports = TCP;
  Squash = All_Squash; Anonymous_Uid = ${uid}; Anonymous_Gid = ${uid};
  CLIENT {
    Clients = ${address}; Access_Type = RW;
    Squash = All_Squash; Anonymous_Uid = ${uid}; Anonymous_Gid = ${uid};
  }
  FSAL { Name = VFS; }
}
`;
