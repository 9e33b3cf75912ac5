import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tolerate } from '@vgpu/linux';
import { type Export, parseExportTable } from './export-table.js';

const ABSENT = ['ENOENT', 'ENOTDIR'];
const BY_HAND = 'compare exportfs -v with SECURITY.md, "One export for each VM"';
/** The time limit of exportfs, which only reads its table, in milliseconds. */
const EXPORTFS_LIMIT_MS = 10_000;

/** The exports of the kernel's NFS server. */
export interface HostExports {
  readonly exports: readonly Export[];
  /** Why the list may be incomplete, and how to check the rest; undefined if it is complete. */
  readonly unchecked: string | undefined;
}

/** The files of exportfs(8). */
export interface ExportfsPlaces {
  readonly etc: string;
  /** The table that exportfs writes for the NFS server; every user can read it. */
  readonly table: string;
  readonly programs: readonly string[];
}

const PLACES: ExportfsPlaces = {
  etc: '/etc',
  table: '/var/lib/nfs/etab',
  programs: ['/usr/sbin/exportfs', '/sbin/exportfs'],
};

/**
 * The exports in force, from exportfs. Configured exports that are not in force yet are reported as
 * unchecked.
 *
 * @throws Error if exportfs or its table cannot be read or parsed.
 */
export function exportsOfHost({ etc, table, programs }: ExportfsPlaces = PLACES): HostExports {
  const files = filesIn(etc).filter(hasEntries);
  const configured = files.join(', ');
  const text = tolerate(ABSENT, () => readFileSync(table, 'utf8'));
  if (text !== undefined) {
    const exports = parseExportTable(text);
    const tableNs = changeOf(table);
    // Times within one tick of the kernel's clock have no order.
    const isOlder = files.some((file) => changeOf(file) >= tableNs);
    if (!isOlder && (exports.length > 0 || files.length === 0)) {
      return { exports, unchecked: undefined };
    }
    return {
      exports,
      unchecked: `${configured} may hold exports that are not in force; run exportfs -ra and repeat the check, or ${BY_HAND}`,
    };
  }
  const program = programs.find((path) => existsSync(path));
  if (program !== undefined) {
    const options = { encoding: 'utf8', timeout: EXPORTFS_LIMIT_MS, stdio: 'pipe' } as const;
    const exports = parseExportTable(execFileSync(program, ['-s'], options));
    const unchecked =
      files.length === 0
        ? undefined
        : `${configured} may hold exports that are not in force; ${BY_HAND}`;
    return { exports, unchecked };
  }
  const unchecked =
    files.length === 0
      ? undefined
      : `${configured}, since exportfs, which interprets it, is not installed here; where it is used, ${BY_HAND}`;
  return { exports: [], unchecked };
}

/** The configuration files of exportfs: exports(5). */
function filesIn(etc: string): string[] {
  const folder = join(etc, 'exports.d');
  const more = (tolerate(ABSENT, () => readdirSync(folder)) ?? [])
    .filter((name) => name.endsWith('.exports') && !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name));
  return [join(etc, 'exports'), ...more];
}

function hasEntries(file: string): boolean {
  const text = tolerate(ABSENT, () => readFileSync(file, 'utf8')) ?? '';
  return text.split('\n').some((line) => /^\s*[^\s#]/.test(line));
}

function changeOf(file: string): bigint {
  return statSync(file, { bigint: true }).ctimeNs;
}
