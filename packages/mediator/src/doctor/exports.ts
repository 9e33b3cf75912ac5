import { type Diagnosis, finding, orOk, skipped } from './diagnosis.js';
import type { VmDirectoryFacts } from './directory-facts.js';
import { type ExportClient, type ExportLine, optionOf } from './exports-file.js';

export interface ExportsFacts {
  readonly exports: readonly ExportLine[];
  /** Absolute, links resolved, as the paths of the exports are. */
  readonly root: string;
  readonly stateDir: string;
  /** Who owns the root: the mediator's user. */
  readonly owner: number;
  readonly directories: readonly VmDirectoryFacts[];
  /** Whether something is the top of a file system of its own. */
  readonly isMountPoint: (path: string) => boolean;
}

/** Whether an export concerns the VM directories. */
export function concernsRoot({ path }: ExportLine, root: string): boolean {
  return isWithin(path, root) || isWithin(root, path);
}

/** Whether each VM can reach its own directory, and nothing else: SECURITY.md says why. */
export function checkExports(facts: ExportsFacts): Diagnosis[] {
  const { exports, root, stateDir } = facts;
  const concerned = exports.filter((line) => concernsRoot(line, root));
  const findings = exports
    .filter(({ path }) => isWithin(stateDir, path) || isWithin(path, stateDir))
    .map(({ file, path }) =>
      finding(
        `${file} exports ${path}, and with it the state directory ${stateDir}, where the registry is`,
        'take it out, then exportfs -ra; or give another --state-dir',
      ),
    );
  if (concerned.length === 0 && findings.length === 0) {
    return [
      skipped(`no export of ${root}; shares by virtiofs or by other servers are not checked`),
    ];
  }
  const whole = concerned.filter(({ path }) => isWithin(root, path));
  findings.push(
    ...whole.map(({ file, path }) =>
      finding(
        `${file} exports ${path}, and with it all VM directories: each VM may read and write as any other`,
        'export each VM directory to its VM only: vgpu-mediator vm show <id> --exports',
      ),
    ),
  );
  const single = concerned.filter((line) => !whole.includes(line));
  for (const line of single) findings.push(...checkLine(line, facts));
  findings.push(...shared(single, ({ who }) => who, 'to'));
  findings.push(...shared(single, (client) => optionOf(client, 'anonuid'), 'as user'));
  return orOk(findings, `${single.length} exports, each of one VM directory to one VM`);
}

function checkLine({ file, path, clients }: ExportLine, facts: ExportsFacts): Diagnosis[] {
  const say = (what: string, remedy: string) => finding(`${file}: ${path} ${what}`, remedy);
  const again =
    'vgpu-mediator vm show <id> --exports --address <address> prints the line; then exportfs -ra';
  if (clients.length !== 1) {
    return [
      say(
        `is exported to ${clients.length === 0 ? 'everybody' : clients.map(nameOf).join(' and ')}`,
        `name the one VM that it is for, and no space before its options; ${again}`,
      ),
    ];
  }
  return clients.flatMap((client) => {
    const findings: Diagnosis[] = [];
    const directory = facts.directories.find((each) => each.path === path);
    const [uid, gid] = ['anonuid', 'anongid'].map((name) => optionOf(client, name));
    if (client.who === '' || /[*?[\]/@]/.test(client.who)) {
      findings.push(
        say(`is exported to ${nameOf(client)}, which may be more than one machine`, again),
      );
    }
    if (optionOf(client, 'all_squash') === undefined) {
      findings.push(
        say(
          "lets the guest's root be root on this host, or choose its user",
          `all_squash; ${again}`,
        ),
      );
    }
    if (uid === undefined || gid === undefined) {
      findings.push(say('has no anonuid and anongid: all VMs would be the same user', again));
    } else if (uid === '0' || gid === '0' || Number(uid) === facts.owner) {
      findings.push(
        say(`makes the guest user ${uid}, group ${gid}: root, or the mediator's user`, again),
      );
    }
    if (directory !== undefined && gid !== undefined && Number(gid) !== directory.gid) {
      findings.push(
        say(
          `has anongid=${gid}, but its group is ${directory.gid}: the VM may not write to it`,
          `vgpu-mediator vm add ${directory.vm ?? '<id>'} --replace with --gid ${gid}`,
        ),
      );
    }
    if (optionOf(client, 'rw') === undefined) {
      findings.push(say('is read-only: the VM cannot write requests', `rw; ${again}`));
    }
    if (optionOf(client, 'async') !== undefined) {
      findings.push(
        say('is async: the server says that requests are on disk before they are', again),
      );
    }
    if (optionOf(client, 'subtree_check') === undefined && !facts.isMountPoint(path)) {
      findings.push(
        say(
          'has no subtree_check: a guest may make up handles of other files of the file system',
          `subtree_check, or a file system of its own; ${again}`,
        ),
      );
    }
    return findings;
  });
}

/** What two exports have in common that only one may have. */
function shared(
  lines: readonly ExportLine[],
  valueOf: (client: ExportClient) => string | undefined,
  how: string,
): Diagnosis[] {
  const seen = new Map<string, string>();
  return lines.flatMap(({ file, path, clients }) =>
    clients.flatMap((client) => {
      const value = valueOf(client);
      if (value === undefined || value === '') return [];
      const other = seen.get(value);
      seen.set(value, path);
      if (other === undefined || other === path) return [];
      return [
        finding(
          `${file} exports ${other} and ${path} ${how} ${value}: each of the two VMs may be the other`,
          'give each VM an address, and an anonuid and anongid, of its own',
        ),
      ];
    }),
  );
}

function nameOf({ who }: ExportClient): string {
  return who === '' ? 'everybody' : who;
}

function isWithin(path: string, outer: string): boolean {
  return outer === '/' || path === outer || path.startsWith(`${outer}/`);
}
