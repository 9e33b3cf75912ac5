// `node scripts/write-constants.mjs [packages/<name> ...]`: writes the constants of a package: its name,
// version, and the hash of its addon's sources, if it has one. The modules read no file for them, since a bundle
// has none. Building runs this before the compiler. Packing runs it again, because the version may have
// changed since the compilation.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceHash } from '../packages/linux/scripts/source-hash.mjs';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));

/**
 * @typedef {{ name: string, version: string, scripts?: { prepack?: string } }} Manifest
 */

/** @param {string} folder the package's */
export function writeConstants(folder) {
  const { name, version } = manifestOf(folder);
  const hash = existsSync(join(folder, 'binding.gyp'))
    ? `export const SOURCE_HASH = '${sourceHash(folder)}';\n`
    : '';
  const text = `// Made by scripts/write-constants.mjs.
export const NAME = '${name}';
export const VERSION = '${version}';
${hash}`;
  // The compiler leaves this text unchanged.
  for (const path of [join(folder, 'src/constants.ts'), join(folder, 'dist/constants.js')]) {
    const isSource = path.endsWith('.ts');
    if (!isSource && !existsSync(path)) continue;
    // An unchanged file keeps its time, so that the compiler has nothing to do.
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  }
}

/** @param {string} folder @returns {Manifest} */
function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , ...named] = process.argv;
  const all = readdirSync(PACKAGES)
    .map((name) => join(PACKAGES, name))
    // Packing runs it for those that have constants.
    .filter((folder) => manifestOf(folder).scripts?.prepack?.includes('write-constants'));
  for (const folder of named.length > 0 ? named : all) writeConstants(folder);
}
