import { type Diagnosis, finding, ok, skipped } from './diagnosis.js';
import type { VmDirectoryFacts } from './directory-facts.js';
import { type Export, valueOf } from './export-table.js';

/** An export, and the paths of the mediator that it reaches, by its path or by a bind mount. */
export interface PlacedExport extends Export {
  /** Its path by the name of the root; its own path if it is not in the root. */
  readonly at: string;
  readonly holdsRoot: boolean;
  /** Whether it is, contains or is in the state directory. */
  readonly concernsState: boolean;
}

export interface ExportsFacts {
  readonly exports: readonly PlacedExport[];
  /** Absolute, links resolved. */
  readonly root: string;
  readonly stateDir: string;
  /** The owner of the root: the mediator's user. */
  readonly owner: number;
  readonly directories: readonly VmDirectoryFacts[];
  /** Whether a path is the root of a file system of its own. */
  readonly isMountPoint: (path: string) => boolean;
  /** Why the list may be incomplete, and how to check the others; undefined if it is complete. */
  readonly unchecked: string | undefined;
}

/** The user and group nobody, the defaults of squashing: 65534, also written as -2. */
const NOBODY = ['65534', '4294967294', '-2', undefined];

const AGAIN =
  'vgpu-mediator vm show <id> --exports --address <address> prints the line; then exportfs -ra';

/** Whether an export concerns the VM directories. */
export function concernsRoot({ at, holdsRoot }: PlacedExport, root: string): boolean {
  return holdsRoot || at.startsWith(`${root}/`);
}

/** Whether each VM can reach its own directory and no other; SECURITY.md explains why. */
export function checkExports(facts: ExportsFacts): Diagnosis[] {
  const { exports, root, stateDir, unchecked } = facts;
  const single = exports.filter((each) => concernsRoot(each, root) && !each.holdsRoot);
  const diagnoses = [
    ...exports
      .filter(({ concernsState }) => concernsState)
      .map((each) =>
        finding(
          `${each.path} is exported to ${nameOf(each)}, including the state directory ${stateDir} with the registry`,
          'remove it, then run exportfs -ra; or use another --state-dir',
        ),
      ),
    ...exports
      .filter(({ holdsRoot }) => holdsRoot)
      .map((each) =>
        finding(
          `${each.path} is exported to ${nameOf(each)}, including all VM directories: each VM can read and write as any other`,
          'export each VM directory to its VM only: vgpu-mediator vm show <id> --exports',
        ),
      ),
    ...single.flatMap((each) => checkExport(each, facts)),
    ...clientsInCommon(single),
    ...inCommon(single, ({ who }) => who, 'to'),
    ...inCommon(single, (each) => valueOf(each, 'anonuid'), 'as user'),
  ];
  if (unchecked !== undefined) diagnoses.push(skipped(`not checked: ${unchecked}`));
  if (diagnoses.length > 0) return diagnoses;
  const others = 'virtiofs and other servers are not checked';
  return single.length === 0
    ? [skipped(`the kernel's NFS server exports nothing of ${root}; ${others}`)]
    : [ok(`${single.length} NFS exports, each of one VM directory to one VM; ${others}`)];
}

function checkExport(each: PlacedExport, facts: ExportsFacts): Diagnosis[] {
  const findings: Diagnosis[] = [];
  const say = (what: string, remedy = AGAIN) => {
    findings.push(finding(`${each.path} ${what}`, remedy));
  };
  const directory = facts.directories.find(({ path }) => path === each.at);
  const [uid, gid] = [valueOf(each, 'anonuid'), valueOf(each, 'anongid')];
  // Options may differ by the kind of authentication (sec=); then the weakest one counts.
  const has = (option: string) => each.options.includes(option);
  if (directory === undefined) {
    say(
      `is exported to ${nameOf(each)}, but is not the directory of a VM`,
      'remove it, then run exportfs -ra',
    );
  }
  if (each.who === '' || /[*?[\]/@]/.test(each.who)) {
    const why =
      each.who === '' ? 'a client with a space before its options means every client; ' : '';
    say(`is exported to ${nameOf(each)}, which may match more than one machine`, `${why}${AGAIN}`);
  }
  if (has('no_all_squash') || !has('all_squash')) {
    say(
      "lets the guest's superuser be root on this host, or choose its user",
      `all_squash; ${AGAIN}`,
    );
  }
  if (NOBODY.includes(uid) || NOBODY.includes(gid)) {
    say('has no anonuid and anongid of its own: all VMs are the same user');
  } else if (uid === '0' || gid === '0' || Number(uid) === facts.owner) {
    say(`makes the guest user ${uid}, group ${gid}: root, or the mediator's user`);
  } else if (directory !== undefined && Number(gid) !== directory.gid) {
    say(
      `has anongid=${gid}, but its group is ${directory.gid}: the VM cannot write to it`,
      `vgpu-mediator vm add ${directory.vm ?? '<id>'} --replace with --gid ${gid}`,
    );
  }
  if (has('ro') || !has('rw')) say('is read-only: the VM cannot write requests', `rw; ${AGAIN}`);
  if (has('async')) say('is async: the server confirms writes before they are on disk');
  if (has('no_subtree_check') && !facts.isMountPoint(each.at)) {
    say(
      'has no subtree_check: a guest can guess handles of other files on the file system',
      `subtree_check, or a file system of its own; ${AGAIN}`,
    );
  }
  return findings;
}

/** Findings for directories that more than one client can use. */
function clientsInCommon(exports: readonly PlacedExport[]): Diagnosis[] {
  const clients = new Map<string, string[]>();
  for (const each of exports) {
    clients.set(each.at, [...(clients.get(each.at) ?? []), nameOf(each)]);
  }
  return [...clients]
    .filter(([, names]) => names.length > 1)
    .map(([path, names]) =>
      finding(
        `${path} is exported to ${names.join(' and ')}: each of them can act as the VM`,
        `name its one VM in one line, without a space before the options; ${AGAIN}`,
      ),
    );
}

/** Findings for values that must be unique, but that two directories share. */
function inCommon(
  exports: readonly PlacedExport[],
  of: (each: PlacedExport) => string | undefined,
  how: string,
): Diagnosis[] {
  const seen = new Map<string, string>();
  return exports.flatMap((each) => {
    const value = of(each);
    if (value === undefined || value === '' || NOBODY.includes(value)) return [];
    const other = seen.get(value);
    seen.set(value, each.at);
    if (other === undefined || other === each.at) return [];
    return [
      finding(
        `${other} and ${each.at} are exported ${how} ${value}: each of the two VMs can act as the other`,
        'give each VM an address, and an anonuid and anongid, of its own',
      ),
    ];
  });
}

function nameOf({ who }: Export): string {
  return who === '' ? 'every client' : who;
}
