import { type Diagnosis, finding, orOk } from './diagnosis.js';

/** Magic numbers of statfs(2), grouped by their consequence for the mediator. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff53_4d42, 'CIFS'],
  [0xfe53_4d42, 'SMB'],
  [0x6573_5546, 'FUSE'],
  [0x0102_1997, '9p'],
  [0x00c3_6400, 'Ceph'],
  [0x0bd0_0bd0, 'Lustre'],
]);
const MEMORY: ReadonlyMap<number, string> = new Map([
  [0x0102_1994, 'tmpfs'],
  [0x8584_58f6, 'ramfs'],
]);

export interface FileSystemFacts {
  /** Paths and the magic numbers of their file systems. */
  readonly root: { readonly path: string; readonly type: number };
  readonly state: { readonly path: string; readonly type: number } | undefined;
}

/** Whether the root and the state directory are on persistent file systems of this host. */
export function checkFileSystem({ root, state }: FileSystemFacts): Diagnosis[] {
  const findings: Diagnosis[] = [];
  const network = NETWORK.get(root.type);
  if (network !== undefined) {
    findings.push(
      finding(
        `the root ${root.path} is on ${network}: inotify does not report writes of other hosts, ` +
          'and the mediator hangs if the server does',
        'put the root on a local file system of the host that exports it, and run the mediator there',
      ),
    );
  }
  for (const { path, type } of state ? [root, state] : [root]) {
    const memory = MEMORY.get(type);
    if (memory === undefined) continue;
    findings.push(
      finding(
        `${path} is on ${memory}: its files are lost when this host restarts`,
        'put it on a disk',
      ),
    );
  }
  const stateNetwork = state && NETWORK.get(state.type);
  if (state !== undefined && stateNetwork !== undefined) {
    findings.push(
      finding(
        `the state directory ${state.path} is on ${stateNetwork}, where locks and the control socket may fail`,
        'use a --state-dir on a local file system',
      ),
    );
  }
  return orOk(findings, 'root and state directory are on local disks');
}
