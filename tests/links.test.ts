import { posix } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryAddress, trackedFiles } from '../scripts/repository-address.mjs';
import { anchorsOf, linksIn } from './support/documents.js';

const files = new Set(trackedFiles());
const folders = new Set(Array.from(files, (file) => posix.dirname(file)).flatMap(parentsOf));
const documents = [...files].filter((file) => file.endsWith('.md'));

/** READMEs of packages are shown elsewhere, so they link to the repository by its address. */
const OWN = ['blob', 'tree'].map((kind) => `${repositoryAddress()}/${kind}/main/`);

function parentsOf(folder: string): string[] {
  return folder === '.' ? ['.'] : [folder, ...parentsOf(posix.dirname(folder))];
}

/** The file or folder and the anchor to which a link leads; undefined for a link to elsewhere. */
function targetOf(document: string, link: string): { path: string; anchor: string } | undefined {
  const own = OWN.find((address) => link.startsWith(address));
  if (own === undefined && /^[a-z]+:/.test(link)) return undefined;
  const [path = '', anchor = ''] = decodeURI(link.slice(own?.length ?? 0)).split('#');
  if (path === '') return { path: document, anchor };
  const base = own === undefined ? posix.dirname(document) : '.';
  return { path: posix.join(base, path).replace(/(?<=.)\/$/, ''), anchor };
}

test.each(documents)('the links of %s lead to something', (document) => {
  const broken = linksIn(document).filter((link) => {
    const target = targetOf(document, link);
    if (target === undefined) return false;
    const { path, anchor } = target;
    if (anchor === '') return !files.has(path) && !folders.has(path);
    const shown = folders.has(path) ? `${path}/README.md` : path;
    return !files.has(shown) || !anchorsOf(shown).has(anchor);
  });
  expect(broken).toEqual([]);
});

test('docs/README.md lists every page of the documentation', () => {
  const listed = new Set(
    linksIn('docs/README.md').map((link) => targetOf('docs/README.md', link)?.path),
  );
  const pages = documents.filter((file) => /^docs\/[\w-]+\/[\w-]+\.md$/.test(file));
  expect(pages.filter((page) => !listed.has(page))).toEqual([]);
});
