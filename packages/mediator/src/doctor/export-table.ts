import { printable } from '@vgpu/protocol';
import { unescapeOctal } from './unescape.js';

/** A directory that the kernel's NFS server exports, and a client or kind of client that can use it. */
export interface Export {
  readonly path: string;
  /** An address, a name, a network or a pattern; empty for every client. */
  readonly who: string;
  /** The options as exportfs prints them, defaults included. */
  readonly options: readonly string[];
}

/**
 * The exports in force, from the text of exportfs's own table (`etab`) or of `exportfs -s`: a line
 * for each client of each directory, with escaped paths. Only exportfs interprets the
 * configuration, exports(5).
 *
 * @throws Error if a line has another form.
 */
export function parseExportTable(text: string): Export[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, path, who = '', options = ''] = /^(\/\S*)\s+([^\s(]*)\((.*)\)\s*$/.exec(line) ?? [];
      if (path === undefined) throw new Error(`unknown line of exportfs: ${printable(line)}`);
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
