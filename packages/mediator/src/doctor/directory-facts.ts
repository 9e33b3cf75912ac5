/** Facts of a file, from lstat(2). */
export interface FileFacts {
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'link' | 'other';
  readonly uid: number;
  readonly gid: number;
  /** Its permission bits, including set-user-ID, set-group-ID and the sticky bit. */
  readonly mode: number;
}

/** A file in the root with the name of a VM directory, or a similar one. */
export interface VmDirectoryFacts extends FileFacts {
  /** The VM; undefined if the name is not that of a VM directory. */
  readonly vm: number | undefined;
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
