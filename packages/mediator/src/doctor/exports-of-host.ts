import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tolerate } from '@vgpu/linux';
import { type Export, parseExportTable } from './export-table.js';

const ABSENT = ['ENOENT', 'ENOTDIR'];
const BY_HAND = 'compare exportfs -v with SECURITY.md, "One export for each VM"';
/** exportfs only reads its table (milliseconds). */
const EXPORTFS_LIMIT_MS = 10_000;

/** What the kernel's NFS server exports. */
export interface HostExports {
  readonly exports: readonly Export[];
  /** Why there may be more, and how to check it; undefined if these are all. */
  readonly unchecked: string | undefined;
}

/** Where exportfs(8) has its files. */
export interface ExportfsPlaces {
  readonly etc: string;
  /** What exportfs keeps for the NFS server, which reads it: everybody may. */
  readonly table: string;
  readonly programs: readonly string[];
}

const PLACES: ExportfsPlaces = {
  etc: '/etc',
  table: '/var/lib/nfs/etab',
  programs: ['/usr/sbin/exportfs', '/sbin/exportfs'],
};

/**
 * What is exported, as exportfs has understood it; what was written for it but is not exported yet is named
 * as unchecked.
 *
 * @throws Error: exportfs, or its table, cannot be read or understood.
 */
export function exportsOfHost({ etc, table, programs }: ExportfsPlaces = PLACES): HostExports {
  const files = filesIn(etc).filter(saysAnything);
  const written = files.join(', ');
  const text = tolerate(ABSENT, () => readFileSync(table, 'utf8'));
  if (text !== undefined) {
    const exports = parseExportTable(text);
    const tableNs = changeOf(table);
    // Within one tick of the kernel's clock nobody knows which came first.
    const isOlder = files.some((file) => changeOf(file) >= tableNs);
    if (!isOlder && (exports.length > 0 || files.length === 0)) {
      return { exports, unchecked: undefined };
    }
    return {
      exports,
      unchecked: `${written} may hold more than is exported now; run exportfs -ra and this again, or ${BY_HAND}`,
    };
  }
  const program = programs.find((path) => existsSync(path));
  if (program !== undefined) {
    const options = { encoding: 'utf8', timeout: EXPORTFS_LIMIT_MS, stdio: 'pipe' } as const;
    const exports = parseExportTable(execFileSync(program, ['-s'], options));
    const unchecked =
      files.length === 0 ? undefined : `${written} may hold more than is exported now; ${BY_HAND}`;
    return { exports, unchecked };
  }
  const unchecked =
    files.length === 0
      ? undefined
      : `${written}, since there is no exportfs here to say what it means; where it is used, ${BY_HAND}`;
  return { exports: [], unchecked };
}

/** What exportfs reads: exports(5). */
function filesIn(etc: string): string[] {
  const folder = join(etc, 'exports.d');
  const more = (tolerate(ABSENT, () => readdirSync(folder)) ?? [])
    .filter((name) => name.endsWith('.exports') && !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name));
  return [join(etc, 'exports'), ...more];
}

function saysAnything(file: string): boolean {
  const text = tolerate(ABSENT, () => readFileSync(file, 'utf8')) ?? '';
  return text.split('\n').some((line) => /^\s*[^\s#]/.test(line));
}

function changeOf(file: string): bigint {
  return statSync(file, { bigint: true }).ctimeNs;
}
