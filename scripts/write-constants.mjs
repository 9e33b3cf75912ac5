// `node scripts/write-constants.mjs [packages/<name> ...]`: writes the constants of a package with an addon:
// its name, version, and the hash of the addon's sources. The modules read no file for them, since a bundle
// has none. Building runs this before the compiler. Packing runs it again, because the version may have
// changed since the compilation.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));

/** @param {string} folder the package's */
export async function writeConstants(folder) {
  /** @type {{ name: string, version: string }} */
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const script = pathToFileURL(resolve(folder, 'scripts/source-hash.mjs')).href;
  /** @type {{ sourceHash: () => string }} */
  const { sourceHash } = await import(script);
  const text = `// Made by scripts/write-constants.mjs.
export const NAME = '${name}';
export const VERSION = '${version}';
export const SOURCE_HASH = '${sourceHash()}';
`;
  // The compiler leaves this text unchanged.
  for (const path of [join(folder, 'src/constants.ts'), join(folder, 'dist/constants.js')]) {
    const isSource = path.endsWith('.ts');
    if (!isSource && !existsSync(path)) continue;
    // An unchanged file keeps its time, so that the compiler has nothing to do.
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , ...named] = process.argv;
  const all = readdirSync(PACKAGES).map((name) => join(PACKAGES, name));
  for (const folder of named.length > 0 ? named : all) {
    if (existsSync(join(folder, 'scripts/source-hash.mjs'))) await writeConstants(folder);
  }
}
