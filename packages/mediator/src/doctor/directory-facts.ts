/** What lstat(2) says of something. */
export interface FileFacts {
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'link' | 'other';
  readonly uid: number;
  readonly gid: number;
  /** Its permission bits, with set-user-ID and so on. */
  readonly mode: number;
}

/** Something in the root that is, or looks like, the directory of a VM. */
export interface VmDirectoryFacts extends FileFacts {
  /** The VM; undefined if it is no VM's name. */
  readonly vm: number | undefined;
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
