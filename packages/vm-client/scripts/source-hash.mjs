// Prints the SHA-256 of all that the addon is built from. The build puts it into the addon, and the
// tests compare: a prebuilt addon can't lag behind its sources unnoticed.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packageRoot = new URL('..', import.meta.url);

/** @returns {string} 64 hexadecimal digits */
export function sourceHash() {
  const native = readdirSync(new URL('native', packageRoot)).map((name) => `native/${name}`);
  const files = ['binding.gyp', ...native].sort();
  const hash = createHash('sha256');
  for (const file of files) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(new URL(file, packageRoot)))
      .update('\0');
  }
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(sourceHash());
