import * as fs from 'node:fs';
import { join } from 'node:path';
import { inode, type Disk } from './disk.js';

/** A VM directory as its guest sees it: each method is one file operation. */
export class Guest {
  readonly vm: number;
  readonly #path: string;
  readonly #disk: Disk;

  constructor(root: string, vm: number, disk: Disk) {
    this.vm = vm;
    this.#path = join(root, `vm${vm}`);
    this.#disk = disk;
    fs.mkdirSync(this.#path);
    disk.entryChanged(this.#path);
  }

  /** Creates a file that must not be there, or with `w` empties one that may be. */
  create(name: string, flag: 'wx' | 'w'): void {
    const path = this.#at(name);
    const isNew = !fs.existsSync(path);
    fs.writeFileSync(path, '', { flag });
    this.#disk.fileChanged(path, { isContent: true });
    if (isNew) this.#disk.entryChanged(path);
  }

  open(name: string): OpenFile {
    this.create(name, 'w');
    return new OpenFile(this.#at(name), this.#disk);
  }

  append(name: string, text: string): void {
    fs.appendFileSync(this.#at(name), text);
    this.#disk.fileChanged(this.#at(name), { isContent: true });
  }

  rename(from: string, to: string): void {
    fs.renameSync(this.#at(from), this.#at(to));
    this.#disk.fileChanged(this.#at(to), { isContent: false });
    this.#disk.entryChanged(this.#at(from));
    this.#disk.entryChanged(this.#at(to));
  }

  /** False if there was none. */
  remove(name: string): boolean {
    if (!this.exists(name)) return false;
    fs.unlinkSync(this.#at(name));
    this.#disk.entryChanged(this.#at(name));
    return true;
  }

  exists(name: string): boolean {
    return fs.existsSync(this.#at(name));
  }

  /** Empty if there is none. */
  read(name: string): string {
    return this.exists(name) ? fs.readFileSync(this.#at(name), 'latin1') : '';
  }

  ctimeNs(name: string): bigint {
    return this.#disk.ctimeNs(this.#at(name));
  }

  names(): string[] {
    return fs.readdirSync(this.#path);
  }

  #at(name: string): string {
    return join(this.#path, name);
  }
}

/** A file that is written in pieces, under any name that it has meanwhile. */
export class OpenFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #disk: Disk;
  readonly #ino: bigint;

  constructor(path: string, disk: Disk) {
    this.#path = path;
    this.#disk = disk;
    this.#fd = fs.openSync(path, 'a');
    this.#ino = fs.fstatSync(this.#fd, { bigint: true }).ino;
  }

  write(text: string): void {
    fs.writeSync(this.#fd, text);
    this.#disk.inodeChanged(this.#ino, { isContent: true });
    if (fs.existsSync(this.#path) && inode(this.#path) === this.#ino) this.#disk.told(this.#path);
  }

  get ctimeNs(): bigint {
    return this.#disk.restamp(fs.fstatSync(this.#fd, { bigint: true })).ctimeNs;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
