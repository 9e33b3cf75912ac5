import { lstatSync, openSync, readdirSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { VmDirectoryName } from '@vgpu/protocol';
import { closeRead, tolerate } from '@vgpu/linux';
import type { FileFacts, VmDirectoryFacts } from './directory-facts.js';
import type { Mount } from './mount.js';

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

/** Only for looking at: no permission is needed, and nothing is read. */
const O_PATH = 0o10000000;

/**
 * The mount that something is on, or will be, as the kernel says: of several at one place, and of those
 * that others cover, names tell nothing.
 */
export function mountOf(path: string, mounts: readonly Mount[]): Mount {
  const fd = tolerate([...ABSENT, 'EACCES'], () => openSync(path, O_PATH));
  if (fd === undefined) return mountOf(dirname(path), mounts);
  try {
    const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    const mount = mounts.find((each) => each.id === id);
    if (mount === undefined) throw new Error(`the kernel does not say how ${path} is mounted`);
    return mount;
  } finally {
    closeRead(fd);
  }
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
