import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** The text of a document without its blocks of code. */
function proseOf(file: string): string {
  const text = readFileSync(join(repository, file), 'utf8');
  return text.replaceAll(/^( *)(```+).*?^\1\2$/gms, '');
}

/** The anchors of a document's headings, as GitHub makes them: the second of one name ends in `-1`. */
export function anchorsOf(file: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(file).matchAll(/^#{1,6} (.*)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replaceAll(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The targets of a document's links and pictures. */
export function linksIn(file: string): string[] {
  const found = proseOf(file)
    .replaceAll(/`[^`\n]*`/g, '')
    .matchAll(/\]\(([^)\s]+)\)|\b(?:href|src|srcset)="([^"]+)"/g);
  return Array.from(found, ([, link, attribute]) => link ?? attribute ?? '');
}
