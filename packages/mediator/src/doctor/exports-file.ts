import { unescapeOctal } from './unescape.js';

/** Somebody to whom a directory is exported. */
export interface ExportClient {
  /** An address, a name, a network, a pattern; empty for everybody. */
  readonly who: string;
  readonly options: readonly string[];
}

/** A line of exports(5). */
export interface ExportLine {
  readonly file: string;
  readonly path: string;
  readonly clients: readonly ExportClient[];
}

/** The lines of a file in the form of exports(5). */
export function parseExports(file: string, text: string): ExportLine[] {
  return text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [first, ...words] = wordsOf(line);
      if (first === undefined) return [];
      const defaults = words
        .filter((word) => word.startsWith('-'))
        .flatMap((word) => word.slice(1).split(','));
      const clients = words
        .filter((word) => !word.startsWith('-'))
        .map((word) => {
          const [, who = '', options = ''] = /^([^(]*)(?:\(([^)]*)\)?)?$/.exec(word) ?? [];
          // What is said last counts.
          const own = options === '' ? [] : options.split(',');
          return { who, options: [...defaults, ...own] };
        });
      return [{ file, path: pathOf(first), clients }];
    });
}

/** The words of a line, without its comment; a path in quotation marks is one. */
function wordsOf(line: string): string[] {
  const words = line.match(/"[^"]*"|#.*|[^ \t\v\f\r#]+/g) ?? [];
  return words
    .filter((word) => !word.startsWith('#'))
    .map((word) => (word.startsWith('"') ? word.slice(1, -1) : word));
}

function pathOf(word: string): string {
  const path = unescapeOctal(word);
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** The value of an option, `''` for one without; undefined if it is not given, or taken back. */
export function optionOf({ options }: ExportClient, name: string): string | undefined {
  let value: string | undefined;
  for (const option of options) {
    const [key, given = ''] = option.split('=', 2);
    if (key === name) value = given;
    else if (key === opposites[name]) value = undefined;
  }
  return value;
}

const opposites: Readonly<Record<string, string>> = {
  rw: 'ro',
  async: 'sync',
  all_squash: 'no_all_squash',
  subtree_check: 'no_subtree_check',
};
