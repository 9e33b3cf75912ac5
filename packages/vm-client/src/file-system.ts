/** virtiofs is FUSE by its type. A local FUSE file system is polled for nothing, but correctly. */
const FUSE = 0x65735546;

/**
 * `f_type` of the file systems whose files another machine, or another kernel, may change: inotify
 * does not tell of that. Numbers from statfs(2) and Linux's `include/uapi/linux/magic.h`; SMB2 and
 * the second AFS are only in the latter.
 */
const SHARED_WITH_OTHERS = new Map([
  [0x6969, 'NFS'],
  [FUSE, 'FUSE or virtiofs'],
  [0x01021997, '9p'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'kAFS'],
  [0x73757245, 'Coda'],
  [0x7461636f, 'OCFS2'],
]);

export const isFuse = (type: number): boolean => type >>> 0 === FUSE;

/**
 * Whether files on such a file system may change without the kernel of this machine knowing.
 *
 * @param type `f_type` of statfs(2). Signed or unsigned: architectures differ.
 */
export function isSharedWithOthers(type: number): boolean {
  return SHARED_WITH_OTHERS.has(type >>> 0);
}
