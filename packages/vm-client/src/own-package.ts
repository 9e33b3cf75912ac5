// The same in each package with an addon: tests/addons.long.test.ts compares them, and tries what they do.
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NAME, SOURCE_HASH, VERSION } from './constants.js';

/** The path of this file, where a bundler has made CommonJS of it. */
declare const __filename: string | undefined;

/** A file of this package cannot be used. The message says what was tried, and what to do. */
export class OwnFileError extends Error {
  override readonly name = 'OwnFileError';
}

let folder: string | undefined;

/**
 * The path of a file of this package, from its path in the package. Also where a bundler has copied this
 * module into another file: the package is then the one that is installed beside that file.
 *
 * @throws {OwnFileError} The package is not installed there.
 */
export function ownFile(path: string): string {
  folder ??= findFolder();
  return join(folder, path);
}

/** The same for a message: begins with the name of the package where its folder is not known. */
export function nameOwnFile(path: string): string {
  try {
    return ownFile(path);
  } catch {
    return join(NAME, path);
  }
}

/**
 * The addon of this package: the one that came with the package, or else the one that was built on this
 * machine; the first that loads and has the sources of this version.
 *
 * @param name The file's, without `.node`.
 * @throws {OwnFileError} Neither does.
 */
export function loadOwnAddon(name: string): unknown {
  const platform = `${process.platform}-${process.arch}`;
  const tried: string[] = [];
  for (const place of [`prebuilds/${platform}`, 'build/Release']) {
    const path = ownFile(`${place}/${name}.node`);
    try {
      return loadAt(path);
    } catch (error) {
      // Errors of system calls and of dlopen(3) have the path in them as well.
      const reason = reasonOf(error).replace(`, open '${path}'`, '').replace(`${path}: `, '');
      tried.push(`${path}: ${reason}`);
    }
  }
  throw new OwnFileError(
    `expected a native part of ${NAME} ${VERSION} for ${platform}, but none can be loaded ` +
      `(${tried.join('; ')}): ${remedy()}`,
  );
}

function loadAt(path: string): unknown {
  refuseTruncated(path);
  const addon = createRequire(path)(path) as { readonly sourceHash?: unknown };
  if (addon.sourceHash === SOURCE_HASH) return addon;
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

function remedy(): string {
  if (process.platform !== 'linux') return 'there is one for Linux only';
  if (!existsSync(ownFile('binding.gyp'))) return `install ${NAME}@${VERSION} again`;
  // `npm rebuild` would not find a package that npx or another package manager has installed.
  const quoted = `'${ownFile('.').replaceAll("'", `'\\''`)}'`;
  return (
    `build it with \`npm run install --prefix ${quoted}\`, ` +
    'which needs Python, make and a C++17 compiler'
  );
}

function findFolder(): string {
  const tried: string[] = [];
  // Where a bundler has made CommonJS of this module, `import.meta` is empty.
  const url = (import.meta as { readonly url?: string }).url;
  const path = typeof __filename === 'string' ? __filename : undefined;
  const places = [
    () => url && dirname(dirname(fileURLToPath(url))),
    () => url && installedBeside(url),
    () => path && installedBeside(path),
  ];
  for (const place of places) {
    try {
      const candidate = place();
      if (!candidate) continue;
      if (isOwn(candidate)) return candidate;
      tried.push(`${candidate} is another package`);
    } catch (error) {
      tried.push(reasonOf(error));
    }
  }
  throw new OwnFileError(
    `expected the files of ${NAME}, which are not in a bundle, but found none (${tried.join('; ')}): ` +
      `install ${NAME}@${VERSION} where the bundle runs, best with ${NAME} external to the bundle`,
  );
}

const installedBeside = (file: string) =>
  dirname(createRequire(file).resolve(`${NAME}/package.json`));

function isOwn(candidate: string): boolean {
  const manifest = readFileSync(join(candidate, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly name?: unknown }).name === NAME;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1).join();
}
