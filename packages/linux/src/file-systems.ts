interface FileSystem {
  readonly name: string;
  /** `shared`: another machine, or another kernel, may change the files, of which inotify does not tell. */
  readonly kind: 'shared' | 'memory';
}

/** virtiofs is FUSE by its type. */
const FUSE = 0x6573_5546;

/**
 * By `f_type` of statfs(2). The numbers are from there and from Linux's `include/uapi/linux/magic.h`; SMB2 and
 * the second AFS are only in the latter, Lustre in its own headers.
 */
const FILE_SYSTEMS: ReadonlyMap<number, FileSystem> = new Map([
  [0x0000_6969, { name: 'NFS', kind: 'shared' }],
  [FUSE, { name: 'FUSE', kind: 'shared' }],
  [0x0102_1997, { name: '9p', kind: 'shared' }],
  [0x0000_517b, { name: 'SMB', kind: 'shared' }],
  [0xff53_4d42, { name: 'CIFS', kind: 'shared' }],
  [0xfe53_4d42, { name: 'SMB', kind: 'shared' }],
  [0x00c3_6400, { name: 'Ceph', kind: 'shared' }],
  [0x5346_414f, { name: 'AFS', kind: 'shared' }],
  [0x6b41_4653, { name: 'AFS', kind: 'shared' }],
  [0x7375_7245, { name: 'Coda', kind: 'shared' }],
  [0x7461_636f, { name: 'OCFS2', kind: 'shared' }],
  [0x0bd0_0bd0, { name: 'Lustre', kind: 'shared' }],
  [0x0102_1994, { name: 'tmpfs', kind: 'memory' }],
  [0x8584_58f6, { name: 'ramfs', kind: 'memory' }],
]);

/**
 * Whether a file system is FUSE, or virtiofs.
 *
 * @param type `f_type` of statfs(2).
 */
export const isFuse = (type: number): boolean => type >>> 0 === FUSE;

/**
 * The name of a file system whose files may change without the kernel of this machine knowing: network file
 * systems, and FUSE, of which some are local. Undefined for the others.
 *
 * @param type `f_type` of statfs(2). Signed or unsigned: architectures differ.
 */
export function sharedFileSystem(type: number): string | undefined {
  return nameOf(type, 'shared');
}

/**
 * The name of a file system whose files are gone when the machine restarts. Undefined for the others.
 *
 * @param type `f_type` of statfs(2).
 */
export function memoryFileSystem(type: number): string | undefined {
  return nameOf(type, 'memory');
}

function nameOf(type: number, kind: FileSystem['kind']): string | undefined {
  const found = FILE_SYSTEMS.get(type >>> 0);
  return found?.kind === kind ? found.name : undefined;
}
