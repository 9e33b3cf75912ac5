import { constants } from 'node:fs';
import type { DirectoryCalls, FileAttributes, FileStats, Reading } from './directory-calls.js';
import { systemError, type NativeAddon } from '@vgpu/linux';

const ENOENT = -2;
/** The flags of renameat2(2). */
const RENAME = { replace: 0, noReplace: 1, exchange: 2 } as const;

/** Where the addon writes a file's attributes. */
const statBuffer = new BigInt64Array(10);

/** Directory calls by the addon: openat(2) and similar system calls. */
export class NativeCalls implements DirectoryCalls {
  readonly #addon: NativeAddon;
  readonly #directory: number;
  /** For messages. */
  readonly #path: string;

  constructor(addon: NativeAddon, directory: number, path: string) {
    this.#addon = addon;
    this.#directory = directory;
    this.#path = path;
  }

  lstat(name: string): FileStats | undefined {
    const status = this.#addon.statAt(this.#directory, name, statBuffer);
    if (status === ENOENT) return undefined;
    this.#check(status, 'lstat', name);
    return new NativeStats(statBuffer);
  }

  read(name: string, bytes: Uint8Array): Reading {
    const length = this.#addon.readAt(this.#directory, name, bytes, statBuffer);
    this.#check(length, 'read', name);
    return { stats: new NativeStats(statBuffer), bytes: length };
  }

  create(name: string, content: string, { mode, uid, gid, mtimeNs = -1n }: FileAttributes): void {
    const status = this.#addon.createAt(this.#directory, name, content, mode, uid, gid, mtimeNs);
    this.#check(status, 'create', name);
  }

  open(name: string): number {
    return this.#check(this.#addon.openAt(this.#directory, name), 'open', name);
  }

  hold(name: string): number {
    return this.#check(this.#addon.holdAt(this.#directory, name), 'open', name);
  }

  rename(from: string, to: string): void {
    this.#rename(from, to, RENAME.replace);
  }

  renameNew(from: string, to: string): void {
    this.#rename(from, to, RENAME.noReplace);
  }

  exchange(one: string, other: string): void {
    this.#rename(one, other, RENAME.exchange);
  }

  link(from: string, to: string): void {
    this.#check(this.#addon.linkAt(this.#directory, from, to), 'link', from, to);
  }

  removeLater(name: string): number {
    return this.#addon.removeLater(this.#directory, name);
  }

  removeDirectoryLater(name: string): void {
    this.#addon.removeDirectoryLater(this.#directory, name);
  }

  closeLater(descriptor: number): number {
    return this.#addon.closeLater(this.#directory, descriptor);
  }

  get outstanding(): number {
    return this.#addon.outstanding(this.#directory);
  }

  #rename(from: string, to: string, flags: number): void {
    this.#check(this.#addon.renameAt(this.#directory, from, to, flags), 'rename', from, to);
  }

  #check(status: number, syscall: string, ...names: string[]): number {
    if (status >= 0) return status;
    throw systemError(status, syscall, ...names.map((name) => `${this.#path}/${name}`));
  }
}

class NativeStats implements FileStats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;

  /** @param numbers In the order of `Stats` in `native/files.h`. */
  constructor(numbers: BigInt64Array) {
    const at = (index: number) => numbers[index] ?? 0n;
    this.dev = at(0);
    this.ino = at(1);
    this.mode = at(2);
    this.nlink = at(3);
    this.uid = at(4);
    this.gid = at(5);
    this.size = at(6);
    this.blocks = at(7);
    this.mtimeNs = at(8);
    this.ctimeNs = at(9);
  }

  isFile(): boolean {
    return this.#is(constants.S_IFREG);
  }

  isDirectory(): boolean {
    return this.#is(constants.S_IFDIR);
  }

  isSymbolicLink(): boolean {
    return this.#is(constants.S_IFLNK);
  }

  isFIFO(): boolean {
    return this.#is(constants.S_IFIFO);
  }

  isSocket(): boolean {
    return this.#is(constants.S_IFSOCK);
  }

  #is(type: number): boolean {
    return (Number(this.mode) & constants.S_IFMT) === type;
  }
}
