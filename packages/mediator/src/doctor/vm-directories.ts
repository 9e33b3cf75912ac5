import { type Diagnosis, finding, orOk } from './diagnosis.js';
import { octal, type VmDirectoryFacts } from './directory-facts.js';

export interface VmDirectoriesFacts {
  /** The owner of the root: the mediator's user. */
  readonly owner: number;
  readonly directories: readonly VmDirectoryFacts[];
}

/** Whether each VM directory belongs to the mediator's user, and only one VM can use it. */
export function checkVmDirectories({ owner, directories }: VmDirectoriesFacts): Diagnosis[] {
  const byGroup = new Map<number, VmDirectoryFacts>();
  const findings = directories.flatMap((directory) => {
    const { path, vm, kind, uid, gid, mode } = directory;
    if (vm === undefined || kind !== 'directory') {
      const reason =
        vm === undefined ? 'its number is not in the expected form' : `it is a ${kind}`;
      return [
        finding(
          `${path} is not served, because ${reason}`,
          'create a directory vm<ID> with vgpu-mediator vm add; IDs are 1 to 4294967295 without leading ' +
            'zeros',
        ),
      ];
    }
    const findings: Diagnosis[] = [];
    if (owner !== 0 && uid !== owner) {
      findings.push(
        finding(
          `${path} belongs to user ${uid}, who can lock the mediator out, instead of user ${owner}`,
          `chown ${owner} ${path}`,
        ),
      );
    }
    if ((mode & 0o002) !== 0) {
      findings.push(
        finding(
          `every user of this host can write to ${path} (mode ${octal(mode)}), and send requests as VM ${vm}`,
          `chmod 2770 ${path}`,
        ),
      );
    }
    const other = byGroup.get(gid);
    if (other !== undefined && (mode & other.mode & 0o020) !== 0 && gid !== 0) {
      findings.push(
        finding(
          `${path} and ${other.path} have the same group ${gid}: each VM can write to the other's`,
          `vgpu-mediator vm add ${vm} --replace with a --gid of its own, the anongid of its export`,
        ),
      );
    }
    byGroup.set(gid, directory);
    return findings;
  });
  return orOk(findings, `${directories.length} VM directories, each for one VM`);
}
