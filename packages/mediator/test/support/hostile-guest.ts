import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../../tests/support/random.js';
import { anyContent, anyName, ODD_TIMES } from './hostile-content.js';

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
const KEPT = 40;

/** Files outside its own directory that a guest can use. */
export interface Surroundings {
  /** Files that it may link to, and that must stay as they are. */
  readonly protected: readonly string[];
  /** Where symbolic links may point. */
  readonly targets: readonly string[];
  /** Special files, made once, which it links into its directory. */
  readonly special: readonly string[];
}

/** A guest whose superuser does anything that a file system permits, at random. */
export class HostileGuest {
  /** Operations that the file system has carried out. */
  done = 0;
  readonly #random: Random;
  readonly #directory: string;
  readonly #vm: number;
  readonly #surroundings: Surroundings;
  readonly #recent: string[] = [];
  readonly #immutable = new Set<string>();
  readonly #operations: readonly (() => string)[];

  constructor(random: Random, directory: string, vm: number, surroundings: Surroundings) {
    this.#random = random;
    this.#directory = directory;
    this.#vm = vm;
    this.#surroundings = surroundings;
    const often = [this.#write, this.#put, this.#rename, this.#remove, this.#link, this.#symlink];
    const seldom = [
      ...[this.#append, this.#truncate, this.#mkdir, this.#chmod, this.#chown, this.#touch],
      ...[this.#changeDirectory, this.#linkSpecial, this.#takeAside],
    ];
    this.#operations = [...often, ...often, ...often, ...seldom];
  }

  /** The last operations, oldest first. */
  get history(): string {
    return this.#recent.join('\n');
  }

  /** Does one operation; those that the file system refuses do not count. */
  act(): void {
    let operation = this.#random.pick(this.#operations);
    if (this.#random.oneIn(1500)) operation = this.#flood;
    if (this.#random.oneIn(1000)) operation = this.#makeImmutable;
    try {
      const what = operation.call(this);
      this.done += 1;
      this.#recent.push(JSON.stringify(what));
      if (this.#recent.length > KEPT) this.#recent.shift();
    } catch (error) {
      if (!/^(?:ERR_FS_)?E[A-Z0-9]+$/.test((error as NodeJS.ErrnoException).code ?? ''))
        throw error;
    }
  }

  /** Removes all its files, and starts again. */
  clear(): void {
    fs.chmodSync(this.#directory, 0o755);
    for (const name of this.#immutable) spawnSync('chattr', ['-i', join(this.#directory, name)]);
    this.#immutable.clear();
    for (const name of fs.readdirSync(Buffer.from(this.#directory), { encoding: 'latin1' })) {
      fs.rmSync(this.#at(name), { recursive: true, force: true });
    }
  }

  /** The way to a name; never through a link, or it would lead out of the guest's own directory. */
  #at(name: string): Buffer {
    const pathOf = (part: string) => Buffer.from(`${this.#directory}/${part}`, 'latin1');
    const [parent = '', inner] = name.split('/');
    if (inner !== undefined && !fs.lstatSync(pathOf(parent)).isDirectory()) {
      throw Object.assign(new Error(`${parent} is no directory`), { code: 'ENOTDIR' });
    }
    return pathOf(name);
  }

  /** One of the guest's own choice, or one that is there, like the mediator's temporary ones. */
  #name(): string {
    if (!this.#random.oneIn(8)) return anyName(this.#random);
    const names = fs.readdirSync(Buffer.from(this.#directory), { encoding: 'latin1' });
    return names.length > 0 ? this.#random.pick(names) : anyName(this.#random);
  }

  /** Works on an open file, but on none that the guest has only a link to. */
  #withFile(name: string, flags: number, work: (fd: number) => void): void {
    const fd = fs.openSync(this.#at(name), flags | O_NOFOLLOW | O_NONBLOCK, 0o644);
    try {
      const { ino } = fs.fstatSync(fd);
      if (!this.#surroundings.protected.some((path) => fs.statSync(path).ino === ino)) work(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Usually removes the existing file of that name first. */
  #makeWay(name: string): void {
    if (this.#random.oneIn(4)) return;
    fs.rmSync(this.#at(name), { recursive: true, force: true });
  }

  #write(): string {
    const name = this.#name();
    const content = anyContent(this.#random, this.#vm);
    this.#withFile(name, O_WRONLY | O_CREAT, (fd) => {
      fs.ftruncateSync(fd, 0);
      fs.writeSync(fd, content, 0, 'latin1');
    });
    return `write ${name}: ${content.slice(0, 60)} (${content.length})`;
  }

  #put(): string {
    const name = this.#name();
    const content = anyContent(this.#random, this.#vm);
    fs.rmSync(this.#at('.request-put.tmp'), { recursive: true, force: true });
    fs.writeFileSync(this.#at('.request-put.tmp'), content, { encoding: 'latin1', flag: 'wx' });
    fs.renameSync(this.#at('.request-put.tmp'), this.#at(name));
    return `put ${name}: ${content.slice(0, 60)} (${content.length})`;
  }

  #append(): string {
    const name = this.#name();
    this.#withFile(name, O_WRONLY | fs.constants.O_APPEND, (fd) => fs.writeSync(fd, '5\n'));
    return `append ${name}`;
  }

  #truncate(): string {
    const name = this.#name();
    const size = this.#random.pick([0, 1, 14, 65_536, 65_537, 2 ** 40]);
    this.#withFile(name, O_WRONLY | O_CREAT, (fd) => {
      fs.ftruncateSync(fd, size);
    });
    return `truncate ${name} to ${size}`;
  }

  #rename(): string {
    const [from, to] = [this.#name(), this.#name()];
    fs.renameSync(this.#at(from), this.#at(to));
    return `rename ${from} to ${to}`;
  }

  #remove(): string {
    const name = this.#name();
    fs.rmSync(this.#at(name), { recursive: this.#random.oneIn(2) });
    return `remove ${name}`;
  }

  #link(): string {
    const [own, to] = [this.#name(), this.#name()];
    const from = this.#random.oneIn(2)
      ? this.#at(own)
      : Buffer.from(this.#random.pick(this.#surroundings.protected));
    this.#makeWay(to);
    fs.linkSync(from, this.#at(to));
    return `link ${from.toString('latin1')} to ${to}`;
  }

  #linkSpecial(): string {
    const to = this.#name();
    const from = this.#random.pick(this.#surroundings.special);
    this.#makeWay(to);
    fs.linkSync(from, this.#at(to));
    return `link ${from} to ${to}`;
  }

  #symlink(): string {
    const name = this.#name();
    const target = this.#random.pick([...this.#surroundings.targets, name, this.#name()]);
    this.#makeWay(name);
    fs.symlinkSync(Buffer.from(target, 'latin1'), this.#at(name));
    return `symlink ${name} to ${target}`;
  }

  #mkdir(): string {
    const name = this.#name();
    this.#makeWay(name);
    fs.mkdirSync(this.#at(name));
    const isFull = this.#random.oneIn(2);
    if (isFull) fs.writeFileSync(this.#at(`${name}/inside`), '');
    return `mkdir ${name}${isFull ? ' with a file' : ''}`;
  }

  #chmod(): string {
    const [name, mode] = [this.#name(), this.#random.pick([0, 0o200, 0o444, 0o666, 0o4777])];
    this.#withFile(name, O_RDONLY, (fd) => {
      fs.fchmodSync(fd, mode);
    });
    return `chmod ${name} to 0${mode.toString(8)}`;
  }

  #chown(): string {
    const [name, uid] = [this.#name(), this.#random.pick([0, 1000, 65_534])];
    this.#withFile(name, O_RDONLY, (fd) => {
      fs.fchownSync(fd, uid, uid);
    });
    return `chown ${name} to ${uid}`;
  }

  #touch(): string {
    const [name, time] = [this.#name(), this.#random.pick(ODD_TIMES)];
    this.#withFile(name, O_RDONLY, (fd) => {
      fs.futimesSync(fd, time, time);
    });
    return `touch ${name} at ${time}`;
  }

  /** The directory itself is the guest's, too. */
  #changeDirectory(): string {
    const [mode, time] = [this.#random.pick([0, 0o700, 0o777]), this.#random.pick(ODD_TIMES)];
    fs.chmodSync(this.#directory, mode);
    if (this.#random.oneIn(2)) fs.utimesSync(this.#directory, time, time);
    return `chmod . to 0${mode.toString(8)}, touch . at ${time}`;
  }

  /** As if the mediator had been killed while it cleared this very file, or another one. */
  #takeAside(): string {
    const { ino, size, mtimeNs } = fs.lstatSync(this.#at('request.txt'), { bigint: true });
    const aside = `.vgpu-taken-${ino}-${size}-${this.#random.oneIn(2) ? mtimeNs : 7}-x`;
    fs.renameSync(this.#at('request.txt'), this.#at(aside));
    return `rename request.txt to ${aside}`;
  }

  #flood(): string {
    for (let count = 0; count < 300; count += 1) {
      const path = this.#at(`request-flood${count}.txt`);
      fs.rmSync(path, { recursive: true, force: true });
      fs.writeFileSync(path, `A:2:${this.#vm}:${count}:1\n`, { flag: 'wx' });
    }
    return 'flood';
  }

  #makeImmutable(): string {
    const name = this.#random.pick(['request-0.txt', 'response-1.txt', 'request.txt']);
    const stats = fs.lstatSync(this.#at(name));
    if (!stats.isFile() || stats.nlink > 1) return `leave ${name}`;
    execFileSync('chattr', ['+i', join(this.#directory, name)], { stdio: 'ignore' });
    this.#immutable.add(name);
    return `chattr +i ${name}`;
  }
}
