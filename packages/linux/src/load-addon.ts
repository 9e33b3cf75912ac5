import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { LinuxError, reasonOf } from './linux-error.js';
import type { PackageFiles } from './package-files.js';

/** Which addon of which package. */
export interface AddonDescription {
  /** The package that it comes with. */
  readonly from: PackageFiles;
  /** The file's name, without `.node`. */
  readonly name: string;
  /** What the addon has as `sourceHash`: that of the sources of this version. */
  readonly sourceHash: string;
}

/**
 * Loads the addon of a package: the one that came with the package (`prebuilds/<platform>-<arch>`), or else
 * the one that was built on this machine (`build/Release`); the first that loads and has the sources of this
 * version. What was built is tried last, because it may have been left there by another system.
 *
 * @param addon Which one.
 * @returns What the addon exports.
 * @throws {LinuxError} `ADDON_UNAVAILABLE`, which says of each path why it does not load; `FILES_NOT_FOUND`.
 */
export function loadAddon({ from, name, sourceHash }: AddonDescription): unknown {
  const platform = `${process.platform}-${process.arch}`;
  const tried: string[] = [];
  for (const place of [`prebuilds/${platform}`, 'build/Release']) {
    const path = from.at(`${place}/${name}.node`);
    try {
      return loadAt(path, sourceHash);
    } catch (error) {
      // Errors of system calls and of dlopen(3) have the path in them as well.
      const reason = reasonOf(error).replace(`, open '${path}'`, '').replace(`${path}: `, '');
      tried.push(`${path}: ${reason}`);
    }
  }
  throw new LinuxError(
    'ADDON_UNAVAILABLE',
    `expected a native part of ${from.name} ${from.version} for ${platform}, but none can be loaded ` +
      `(${tried.join('; ')}): ${remedyFor(from)}`,
  );
}

function loadAt(path: string, sourceHash: string): unknown {
  refuseTruncated(path);
  const addon = createRequire(path)(path) as { readonly sourceHash?: unknown };
  if (addon.sourceHash === sourceHash) return addon;
  throw new Error('it is of another version of the package');
}

/**
 * A shared object whose end is missing would end the process with SIGBUS, since all of it is mapped.
 * elf(5): the table of sections, which linkers put at the end, begins at `e_shoff`.
 */
function refuseTruncated(path: string): void {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(64);
    const length = readSync(file, header);
    // 64 bits, little-endian. The loader refuses all that is not for this machine.
    if (length < 64 || !header.subarray(0, 6).equals(ELF64)) return;
    const table = header.readUInt16LE(58) * header.readUInt16LE(60);
    const end = Number(header.readBigUInt64LE(40)) + table;
    const { size } = fstatSync(file);
    if (size < end) throw new Error(`it is truncated: ${size} bytes of ${end}`);
  } finally {
    closeSync(file);
  }
}

const ELF64 = Buffer.from('\x7fELF\x02\x01', 'latin1');

function remedyFor(files: PackageFiles): string {
  if (process.platform !== 'linux') return 'there is one for Linux only';
  if (!existsSync(files.at('binding.gyp'))) return `install ${files.name}@${files.version} again`;
  // `npm rebuild` would not find a package that npx or another package manager has installed.
  const quoted = `'${files.at('.').replaceAll("'", `'\\''`)}'`;
  return (
    `build it with \`npm run install --prefix ${quoted}\`, ` +
    'which needs Python, make and a C++17 compiler'
  );
}
