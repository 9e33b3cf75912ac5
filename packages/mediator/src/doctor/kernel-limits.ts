import { type Diagnosis, finding, ok, skipped } from './diagnosis.js';

export interface InotifyFacts {
  readonly directories: number;
  /** fs.inotify.max_user_watches */
  readonly maxWatches: number;
  /** fs.inotify.max_user_instances */
  readonly maxInstances: number;
}

/** Watches of other programs of the same user. */
const SPARE_WATCHES = 64;

/** Whether the mediator can watch all VM directories; it polls the others. */
export function checkInotify({ directories, maxWatches, maxInstances }: InotifyFacts): Diagnosis[] {
  // One watch for each VM directory, and one for the root.
  const needed = directories + 1 + SPARE_WATCHES;
  if (maxWatches < needed) {
    return [
      finding(
        `${directories} VM directories need about ${needed} inotify watches; the limit of a user is ${maxWatches}`,
        `sysctl fs.inotify.max_user_watches=${2 * needed}, and in /etc/sysctl.d`,
      ),
    ];
  }
  if (maxInstances < 2) {
    return [
      finding(
        `the limit of inotify instances of a user is ${maxInstances}`,
        'sysctl fs.inotify.max_user_instances=128, and in /etc/sysctl.d',
      ),
    ];
  }
  return [ok(`the limit is ${maxWatches} inotify watches, for ${directories} VM directories`)];
}

export interface OpenFilesFacts {
  readonly directories: number;
  /** The limit of open files of the running mediator, else of this process. */
  readonly limit: number;
}

/** Descriptors for sockets, devices, logs, and the files of VMs. */
const SPARE_FILES = 128;

/** Whether the mediator can open all VM directories; it keeps each of them open. */
export function checkOpenFiles({ directories, limit }: OpenFilesFacts): Diagnosis[] {
  const needed = directories + SPARE_FILES;
  if (limit >= needed) return [ok(`the mediator can open ${limit} files`)];
  return [
    finding(
      `${directories} VM directories need about ${needed} open files; the limit of the mediator is ${limit}`,
      `LimitNOFILE=${2 * needed} in its unit, or ulimit -n ${2 * needed}`,
    ),
  ];
}

export interface LeasesFacts {
  /** Whether a VM directory is exported by the kernel's NFS server. */
  readonly isExported: boolean;
  /** fs.leases-enable; undefined if the kernel has no leases. */
  readonly enabled: boolean | undefined;
}

/** Whether the NFS server grants guests no delegations, for which the host would have to wait. */
export function checkLeases({ isExported, enabled }: LeasesFacts): Diagnosis[] {
  if (!isExported) return [skipped('no VM directory is exported')];
  if (enabled !== true) return [ok('the NFS server grants no delegations')];
  return [
    finding(
      "the kernel's NFS server may grant guests delegations: replacing such a file waits for the guest, " +
        'up to 45 s',
      'sysctl fs.leases-enable=0, and in /etc/sysctl.d, before the NFS server starts',
    ),
  ];
}
