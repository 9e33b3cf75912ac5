import * as fs from 'node:fs';
import { EventEmitter } from 'node:events';
import { basename, dirname, join } from 'node:path';
import { systemError, type FsCall } from '../support/fake-fs.js';
import { inode, type Disk } from './disk.js';
import type { HistoryEvent } from './history.js';
import type { Random } from '../../../../tests/support/random.js';

export interface SystemCallsOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly history: HistoryEvent[];
  /** Share of events that inotify reports; undefined if it is not available. */
  readonly inotify: number | undefined;
  /** Called before each call has its effect; gives the code of the error that it fails with. */
  readonly before: (call: FsCall) => string | undefined;
}

interface Watcher {
  readonly directory: string;
  readonly tell: (name: string) => void;
  readonly pending: string[];
}

const TEMPORARY_RESPONSE = '.vgpu-answer-';

/** The system calls of one mediator, from its start to its end. */
export class SystemCalls {
  readonly #options: SystemCallsOptions;
  readonly #files = new Map<number, { readonly path: string; readonly ino: bigint }>();
  readonly #watchers = new Set<Watcher>();
  /** The place in the history where the mediator last checked a request, if that was its last call. */
  #check: { readonly path: string; readonly at: number } | undefined;
  #checkedAt = 0;
  /** The plain request of each VM as it was last read, and when that file had changed last. */
  readonly lastRead = new Map<number, { readonly text: string; readonly ctimeNs: bigint }>();

  constructor(options: SystemCallsOptions) {
    this.#options = options;
  }

  /** Descriptors that are open. */
  get open(): string[] {
    return [...this.#files.values()].map(({ path }) => path);
  }

  get hasEvents(): boolean {
    return [...this.#watchers].some(({ pending }) => pending.length > 0);
  }

  /** inotify's events of one directory come in order; of several, in any. */
  tellOne(): void {
    const waiting = [...this.#watchers].filter(({ pending }) => pending.length > 0);
    if (waiting.length === 0) return;
    const { pending, tell } = this.#options.random.pick(waiting);
    const name = pending.shift();
    if (name !== undefined) tell(name);
  }

  changed(directory: string, name: string): void {
    const { inotify = 0, random } = this.#options;
    for (const watcher of this.#watchers) {
      if (watcher.directory === directory && random.chance(inotify)) watcher.pending.push(name);
    }
  }

  /** The kernel closes the descriptors of a process that is gone. */
  closeAll(): void {
    for (const fd of this.#files.keys()) fs.closeSync(fd);
    this.#files.clear();
    this.#watchers.clear();
  }

  readonly intercept = (call: FsCall): unknown => {
    const { history, before } = this.#options;
    const failure = before(call);
    const path = this.#pathOf(call.args[0]);
    history.push({ kind: 'call', call: call.name, path: this.#label(call), failure });
    if (failure !== undefined) throw systemError(failure);
    const check = this.#check;
    const isCheck = call.name === 'lstatSync' && basename(path).startsWith('request');
    this.#check = isCheck ? { path, at: history.length } : undefined;
    if (call.name === 'openSync' && basename(path).startsWith(TEMPORARY_RESPONSE)) {
      const isJustNow = check !== undefined && dirname(check.path) === dirname(path);
      this.#checkedAt = isJustNow ? check.at : history.length;
    }
    return this.#perform(call, path);
  };

  #perform({ name, args, proceed }: FsCall, path: string): unknown {
    const { disk, random } = this.#options;
    const file = this.#files.get(args[0] as number);
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- of all of node:fs
    switch (name) {
      case 'watch':
        return this.#watch(path, args.at(-1) as (event: string, name: string) => void);
      case 'opendirSync':
        return this.#listing(path);
      case 'readdirSync':
        return random.shuffle((proceed() as string[]).sort());
      case 'statSync':
      case 'lstatSync':
      case 'fstatSync': {
        const stats = proceed() as fs.Stats | fs.BigIntStats | undefined;
        return typeof stats?.ino === 'bigint' ? disk.restamp(stats as fs.BigIntStats) : stats;
      }
      case 'openSync': {
        const isNew = !fs.existsSync(path);
        const fd = proceed() as number;
        this.#files.set(fd, { path, ino: inode(path) });
        if (isNew) this.#created(path);
        return fd;
      }
      case 'closeSync':
        this.#files.delete(args[0] as number);
        return proceed();
      case 'readSync': {
        const bytes = proceed() as number;
        if (file !== undefined)
          this.#noteRead(file, (args[1] as Buffer).toString('latin1', 0, bytes));
        return bytes;
      }
      case 'unlinkSync':
        this.#unlink(path, proceed);
        return undefined;
      case 'renameSync': {
        proceed();
        this.#renamed(path, this.#pathOf(args[1]));
        return undefined;
      }
      case 'linkSync': {
        proceed();
        disk.fileChanged(path, { isContent: false });
        disk.entryChanged(this.#pathOf(args[1]));
        return undefined;
      }
      default: {
        const result = proceed();
        if (file === undefined) return result;
        if (name === 'futimesSync')
          disk.mtimeSet(file.ino, BigInt(Math.round((args[2] as number) * 1e9)));
        else disk.inodeChanged(file.ino, { isContent: name === 'writeSync' });
        disk.told(file.path);
        return result;
      }
    }
  }

  #created(path: string): void {
    this.#options.disk.fileChanged(path, { isContent: true });
    this.#options.disk.entryChanged(path);
  }

  #renamed(from: string, to: string): void {
    const { disk, history } = this.#options;
    disk.fileChanged(to, { isContent: false });
    disk.entryChanged(from);
    disk.entryChanged(to);
    if (!basename(from).startsWith(TEMPORARY_RESPONSE)) return;
    const text = fs.readFileSync(to, 'latin1');
    history.push({ kind: 'placed', key: keyOfPath(to), text, checkedAt: this.#checkedAt });
  }

  #unlink(path: string, proceed: () => unknown): void {
    const { disk } = this.#options;
    const links = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    proceed();
    if (links !== undefined && links.nlink > 1n) disk.inodeChanged(links.ino, { isContent: false });
    disk.entryChanged(path);
  }

  #noteRead({ path, ino }: { path: string; ino: bigint }, text: string): void {
    if (basename(path) !== 'request.txt') return;
    const ctimeNs = this.#options.disk.ctimeOf(ino);
    this.lastRead.set(vmOf(path), { text, ctimeNs });
  }

  #watch(directory: string, listener: (event: string, name: string) => void) {
    if (this.#options.inotify === undefined) throw systemError('ENOSPC');
    const watcher: Watcher = {
      directory,
      pending: [],
      tell: (name) => {
        listener('rename', name);
      },
    };
    this.#watchers.add(watcher);
    return Object.assign(new EventEmitter(), { close: () => this.#watchers.delete(watcher) });
  }

  /** Directory entries come in any order, and each reading of one may be interrupted. */
  #listing(path: string) {
    const { random } = this.#options;
    let names: string[] | undefined;
    const readSync = () =>
      this.intercept({
        name: 'readSync',
        args: [path],
        proceed: () => {
          names ??= random.shuffle(fs.readdirSync(path).sort());
          const name = names.shift();
          return name === undefined ? null : { name };
        },
      });
    return { readSync, closeSync: () => undefined };
  }

  /** Without the way through a descriptor. */
  #pathOf(arg: unknown): string {
    if (typeof arg === 'number') return this.#files.get(arg)?.path ?? '';
    const path = String(arg);
    const [, fd, rest = ''] = /^\/proc\/\d+\/fd\/(\d+)(?:\/(.*))?$/.exec(path) ?? [];
    return fd === undefined ? path : join(this.#files.get(Number(fd))?.path ?? '', rest);
  }

  #label({ args }: FsCall): string {
    return args
      .slice(0, 2)
      .filter((arg) => typeof arg === 'string' || typeof arg === 'number')
      .map((arg) => this.#pathOf(arg))
      .map((path) => join(basename(dirname(path)), basename(path)))
      .join(' ');
  }
}

function vmOf(path: string): number {
  return Number(basename(dirname(path)).slice('vm'.length));
}

/** As the log names the slot. */
function keyOfPath(response: string): string {
  const [, id = '.'] = /^response-(.*)\.txt$/.exec(basename(response)) ?? [];
  return `vm${vmOf(response)}/${id}`;
}
