import { isIP } from 'node:net';
import { printable } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import { vmDirectoryOf } from './vm-directories.js';

/** The client of an export, and its user on the host. */
export interface ExportTo {
  /** The VM's own address, or its name; if absent, a placeholder that names no machine. */
  readonly address?: string | undefined;
  /**
   * The group of the VM's directory, and the number of the VM's user on the host. If absent, a
   * placeholder that exportfs refuses.
   */
  readonly gid?: number | undefined;
}

/**
 * The line for `/etc/exports` that shares a VM's directory by NFS with that VM only. SECURITY.md
 * explains each option.
 *
 * @param root The directory that holds the VM directories.
 * @param vm Its number, 1 to 4294967295.
 * @param to The client; placeholders if absent.
 * @throws MediatorError `USAGE` if the address is not that of one machine.
 */
export function exportsLine(root: string, vm: number, { address, gid }: ExportTo = {}): string {
  if (address !== undefined) requireAddress(address);
  const who = gid ?? `GROUP-OF-VM${vm}`;
  const options = `rw,sync,subtree_check,all_squash,anonuid=${who},anongid=${who}`;
  return `${escape(vmDirectoryOf(root, vm))}  ${address ?? `ADDRESS-OF-VM${vm}`}(${options})`;
}

/** Refuses networks, netgroups and wildcards, with which other machines could act as this VM. */
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

/** Escapes unusual characters in a path with three octal digits: exports(5). */
function escape(path: string): string {
  return path.replaceAll(
    /[ \t\n\v\f\r"#\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}
