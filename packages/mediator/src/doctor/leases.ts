import { type Diagnosis, finding, ok, skipped } from './diagnosis.js';

export interface LeasesFacts {
  /** Whether a VM directory is exported by the kernel's NFS server. */
  readonly isExported: boolean;
  /** fs.leases-enable; undefined if the kernel has no leases. */
  readonly enabled: boolean | undefined;
}

/** Whether the NFS server gives guests no delegations: the host would wait for them. */
export function checkLeases({ isExported, enabled }: LeasesFacts): Diagnosis[] {
  if (!isExported) return [skipped('no VM directory is exported')];
  if (enabled !== true) return [ok('the NFS server gives no delegations')];
  return [
    finding(
      "the kernel's NFS server may give guests delegations: replacing such a file waits for the guest, " +
        'up to 45 s',
      'sysctl fs.leases-enable=0, and in /etc/sysctl.d, before the NFS server starts',
    ),
  ];
}
