import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of a package that have sources of its addon in them. */
const FOLDERS = ['native', 'kernels'];

/**
 * The SHA-256 of what a package's addon is built from: `binding.gyp`, and the C++ in `native` and `kernels`.
 * The build puts it into the addon, the loader and the tests compare: a prebuilt addon can't lag behind its
 * sources unnoticed.
 *
 * @param {string} root the package's folder
 * @returns {string} 64 hexadecimal digits
 */
export function sourceHash(root) {
  const sources = FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /\.(?:cc|h)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  const hash = createHash('sha256');
  for (const file of ['binding.gyp', ...sources].sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}
