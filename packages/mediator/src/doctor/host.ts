import { lstatSync, openSync, readdirSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { VmDirectoryName } from '@vgpu/protocol';
import { closeRead, tolerate } from '@vgpu/linux';
import type { FileFacts, VmDirectoryFacts } from './directory-facts.js';
import type { Mount } from './mount.js';

/** Errors for missing files. */
const ABSENT = ['ENOENT', 'ENOTDIR'];

/** The facts of a file; undefined if it does not exist. Links are not followed. */
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

/** The files in the root with the name of a VM directory, or a similar one. */
export function vmDirectoriesIn(root: string): VmDirectoryFacts[] {
  const names = tolerate(ABSENT, () => readdirSync(root)) ?? [];
  return names
    .filter((name) => /^vm\d/.test(name))
    .flatMap((name) => {
      const facts = factsOf(join(root, name));
      return facts ? [{ ...facts, vm: z.safeDecode(VmDirectoryName, name).data }] : [];
    });
}

/** Change times of files, in nanoseconds since the epoch. */
export function changesOf(paths: readonly string[]): bigint[] {
  return paths.flatMap((path) => {
    const stats = tolerate(ABSENT, () => lstatSync(path, { bigint: true }));
    return stats ? [stats.ctimeNs] : [];
  });
}

/** The magic number of the file system of a path, which may not exist yet. */
export function fileSystemOf(path: string): number {
  const type = tolerate(ABSENT, () => statfsSync(path).type);
  return type ?? fileSystemOf(dirname(path));
}

/** A number below /proc/sys; undefined if this kernel does not have it. */
export function sysctl(name: string): number | undefined {
  const text = tolerate(ABSENT, () =>
    readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'),
  );
  return text === undefined ? undefined : Number(text);
}

/** Opens a path without reading it, for which no permission is needed. */
const O_PATH = 0o10000000;

/**
 * The mount of a path, which may not exist yet. The kernel is asked, since names do not distinguish
 * mounts at the same place and covered ones.
 */
export function mountOf(path: string, mounts: readonly Mount[]): Mount {
  const fd = tolerate([...ABSENT, 'EACCES'], () => openSync(path, O_PATH));
  if (fd === undefined) return mountOf(dirname(path), mounts);
  try {
    const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    const mount = mounts.find((each) => each.id === id);
    if (mount === undefined) throw new Error(`the kernel does not report the mount of ${path}`);
    return mount;
  } finally {
    closeRead(fd);
  }
}

/**
 * The limit of open files of a process; undefined if this user cannot read it, or the process has
 * ended.
 */
export function openFilesLimitOf(pid: number | 'self'): number | undefined {
  const limits = tolerate([...ABSENT, 'EACCES', 'ESRCH'], () =>
    readFileSync(`/proc/${pid}/limits`, 'utf8'),
  );
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits ?? '') ?? [];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Infinity : Number(soft);
}
