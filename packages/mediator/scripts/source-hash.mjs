// Prints the SHA-256 of all that the addon is built from. The build puts it into the addon, and the
// tests compare: a prebuilt addon can't lag behind its sources unnoticed.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packageRoot = new URL('..', import.meta.url);
/** What the client's addon has as well. */
const SHARED = ['inotify.cc', 'inotify.h', 'values.h'].map((name) => `../vm-client/native/${name}`);

/** @returns {string} 64 hexadecimal digits */
export function sourceHash() {
  const hash = createHash('sha256');
  // While it is built there is a folder in it.
  const entries = readdirSync(new URL('native', packageRoot), { withFileTypes: true });
  const own = entries.filter((entry) => entry.isFile()).map(({ name }) => `native/${name}`);
  for (const file of [...own, ...SHARED].sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(new URL(file, packageRoot)))
      .update('\0');
  }
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(sourceHash());
