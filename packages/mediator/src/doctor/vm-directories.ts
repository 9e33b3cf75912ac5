import { type Diagnosis, finding, orOk } from './diagnosis.js';
import { octal, type VmDirectoryFacts } from './directory-facts.js';

export interface VmDirectoriesFacts {
  /** Who owns the root: the mediator's user. */
  readonly owner: number;
  readonly directories: readonly VmDirectoryFacts[];
}

/** Whether each VM directory is the mediator's, and for one VM only. */
export function checkVmDirectories({ owner, directories }: VmDirectoriesFacts): Diagnosis[] {
  const byGroup = new Map<number, VmDirectoryFacts>();
  const findings = directories.flatMap((directory) => {
    const { path, vm, kind, uid, gid, mode } = directory;
    if (vm === undefined || kind !== 'directory') {
      const reason = vm === undefined ? 'its number has another form' : `it is a ${kind}`;
      return [
        finding(
          `${path} is not served, because ${reason}`,
          'make a directory vm<ID>, its number from 1 to 4294967295 without leading zeros, by ' +
            'vgpu-mediator vm add',
        ),
      ];
    }
    const findings: Diagnosis[] = [];
    if (owner !== 0 && uid !== owner) {
      findings.push(
        finding(
          `${path} belongs to user ${uid}, who can lock the mediator out, and not to its user ${owner}`,
          `chown ${owner} ${path}`,
        ),
      );
    }
    if ((mode & 0o002) !== 0) {
      findings.push(
        finding(
          `everybody on this host may write to ${path} (mode ${octal(mode)}), and ask as VM ${vm}`,
          `chmod 2770 ${path}`,
        ),
      );
    }
    const other = byGroup.get(gid);
    if (other !== undefined && (mode & other.mode & 0o020) !== 0 && gid !== 0) {
      findings.push(
        finding(
          `${path} and ${other.path} have the same group ${gid}: each VM may write to the other's`,
          `vgpu-mediator vm add ${vm} --replace with a --gid of its own, the anongid of its export`,
        ),
      );
    }
    byGroup.set(gid, directory);
    return findings;
  });
  return orOk(findings, `${directories.length} VM directories, each for one VM`);
}
