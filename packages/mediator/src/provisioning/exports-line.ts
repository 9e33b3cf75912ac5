import { isIP } from 'node:net';
import { printable } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import { vmDirectoryOf } from './vm-directories.js';

/** Who may use an export, and as whom. */
export interface ExportTo {
  /** The VM's own address, or its name; if absent, a placeholder that names no machine. */
  readonly address?: string | undefined;
  /**
   * The group of the VM's directory; also the number of the user as whom the VM acts on the host.
   * If absent, a placeholder that exportfs refuses.
   */
  readonly gid?: number | undefined;
}

/**
 * The line for `/etc/exports` that shares a VM's directory with that VM, and with nobody else, by
 * NFS. SECURITY.md says what each option is for.
 *
 * @param root The directory that holds the VM directories.
 * @param vm Its number, 1 to 4294967295.
 * @param to Who may use it; placeholders where that is absent.
 * @throws MediatorError `USAGE`: what was given is not the address of one machine.
 */
export function exportsLine(root: string, vm: number, { address, gid }: ExportTo = {}): string {
  if (address !== undefined) requireAddress(address);
  const who = gid ?? `GROUP-OF-VM${vm}`;
  const options = `rw,sync,subtree_check,all_squash,anonuid=${who},anongid=${who}`;
  return `${escape(vmDirectoryOf(root, vm))}  ${address ?? `ADDRESS-OF-VM${vm}`}(${options})`;
}

/** A network, a netgroup or a wildcard would let others be this VM. */
function requireAddress(address: string): void {
  const isName =
    /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(address) &&
    !/(?:^|\.)[0-9]+$/.test(address);
  if (isIP(address) !== 0 || isName) return;
  throw new MediatorError(
    'USAGE',
    `expected the address or the name of one machine, such as 10.0.0.7, got ${printable(address)}`,
  );
}

/** As exports(5) wants unusual characters in a path: by three octal digits. */
function escape(path: string): string {
  return path.replaceAll(
    /[ \t\n\v\f\r"#\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}
