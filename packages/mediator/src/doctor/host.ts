import { lstatSync, readdirSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { VmDirectoryName } from '@vgpu/protocol';
import { tolerate } from '../spool/errno.js';
import type { FileFacts, VmDirectoryFacts } from './directory-facts.js';
import { type ExportLine, parseExports } from './exports-file.js';

/** What is not there, or not for this user to see. */
const ABSENT = ['ENOENT', 'ENOTDIR'];

/** What there is; a link is followed if it is the root, or the state directory. */
export function factsOf(path: string): FileFacts | undefined {
  const stats = tolerate(ABSENT, () => lstatSync(path));
  if (stats === undefined) return undefined;
  const kind = stats.isDirectory()
    ? 'directory'
    : stats.isFile()
      ? 'file'
      : stats.isSymbolicLink()
        ? 'link'
        : 'other';
  return { path, kind, uid: stats.uid, gid: stats.gid, mode: stats.mode & 0o7777 };
}

/** A path without links in it, as far as it exists. */
export function realPathOf(path: string): string {
  return tolerate([...ABSENT, 'EACCES'], () => realpathSync(path)) ?? resolve(path);
}

/** What is, or looks like, the directory of a VM. */
export function vmDirectoriesIn(root: string): VmDirectoryFacts[] {
  const names = tolerate(ABSENT, () => readdirSync(root)) ?? [];
  return names
    .filter((name) => /^vm\d/.test(name))
    .flatMap((name) => {
      const facts = factsOf(join(root, name));
      return facts ? [{ ...facts, vm: z.safeDecode(VmDirectoryName, name).data }] : [];
    });
}

/** When things changed, by the clock that stamps files: nanoseconds since the epoch. */
export function changesOf(paths: readonly string[]): bigint[] {
  return paths.flatMap((path) => {
    const stats = tolerate(ABSENT, () => lstatSync(path, { bigint: true }));
    return stats ? [stats.ctimeNs] : [];
  });
}

/** The magic number of the file system that a path is on, or will be. */
export function fileSystemOf(path: string): number {
  const type = tolerate(ABSENT, () => statfsSync(path).type);
  return type ?? fileSystemOf(dirname(path));
}

/** A number below /proc/sys; undefined if this kernel has none. */
export function sysctl(name: string): number | undefined {
  const text = tolerate(ABSENT, () =>
    readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'),
  );
  return text === undefined ? undefined : Number(text);
}

/** What is exported by NFS, as exportfs reads it. */
export function exportsOfHost(etc = '/etc'): ExportLine[] {
  const folder = join(etc, 'exports.d');
  const more = (tolerate(ABSENT, () => readdirSync(folder)) ?? [])
    .filter((name) => name.endsWith('.exports') && !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name));
  return [join(etc, 'exports'), ...more].flatMap((file) => {
    const text = tolerate(ABSENT, () => readFileSync(file, 'utf8'));
    const lines = text === undefined ? [] : parseExports(file, text);
    return lines.map((line) => ({ ...line, path: realPathOf(line.path) }));
  });
}

/** How many files a process may open; undefined if this user may not see that, or it has ended. */
export function openFilesLimitOf(pid: number | 'self'): number | undefined {
  const limits = tolerate([...ABSENT, 'EACCES', 'ESRCH'], () =>
    readFileSync(`/proc/${pid}/limits`, 'utf8'),
  );
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits ?? '') ?? [];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Infinity : Number(soft);
}
