import { printable } from '@vgpu/protocol';
import { unescapeOctal } from './unescape.js';

/** A directory that the kernel's NFS server exports, and one client or kind of client that may use it. */
export interface Export {
  readonly path: string;
  /** An address, a name, a network, a pattern; empty for everybody. */
  readonly who: string;
  /** As exportfs has understood them, with those that it has added. */
  readonly options: readonly string[];
}

/**
 * The exports in force, of the text of exportfs's own table (`etab`) or of `exportfs -s`: a line for each
 * client of each directory, with escaped paths. What an administrator has written, in exports(5), is for
 * exportfs alone to understand.
 *
 * @throws Error: a line has another form.
 */
export function parseExportTable(text: string): Export[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, path, who = '', options = ''] = /^(\/\S*)\s+([^\s(]*)\((.*)\)\s*$/.exec(line) ?? [];
      if (path === undefined) throw new Error(`exportfs says ${printable(line)}, in no known form`);
      return {
        path: unescapeOctal(path),
        who: who === '*' ? '' : who,
        options: options.split(','),
      };
    });
}

/** The value of an option that has one; undefined if it is not given. */
export function valueOf({ options }: Export, name: string): string | undefined {
  return options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}
