import { lstatSync, readdirSync, statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { encodeVmDirectoryName, VmDirectoryName } from '@vgpu/protocol';
import { COST, FIRST_TURN, TURN } from '../scheduling/cost.js';
import { DeficitRoundRobin } from '../scheduling/deficit-round-robin.js';
import type { Logger } from '../telemetry/logger.js';
import type { Events } from '../events.js';
import { MediatorError } from '../mediator-error.js';
import { closeRead, errnoOf, type DirectoryWatch } from '@vgpu/linux';
import { explain } from '../explain.js';
import { MtimeTrust } from './mtime-trust.js';
import type { MediatorSettings } from '../settings.js';
import { openSpare } from './spare-descriptors.js';
import { Sweeps } from './sweeps.js';
import { removed } from './removed.js';
import { VmSpool } from './vm-spool.js';
import { watchDirectory } from './watch-directory.js';

export interface SpoolOptions {
  /** The directory that holds the VM directories. */
  readonly root: string;
  /** How many requests of a VM may be queued at once. */
  readonly limits: { maxQueued(vm: number): number };
  /** Whether so much is queued in all that each VM is held to a part of its queue limit. */
  readonly queue: { readonly isOverloaded: boolean };
  readonly settings: Pick<MediatorSettings, 'settleMs'>;
  readonly logger: Logger;
  readonly lock: {
    /**
     * Another directory has taken the root's name.
     *
     * @throws MediatorError if it is not to be served.
     */
    lockRoot(): void;
  };
  /** Told of `work`, which `serve` does, and of `directoryGone`. */
  readonly events: Events;
}

/** What the spool knows of a VM. */
export interface SpooledVm {
  readonly vm: number;
  /** Requests that were admitted and are not answered yet. */
  readonly queued: number;
  /** Whether its directory could not be used at the last attempt. */
  readonly hasFailed: boolean;
}

/** All VM directories below the root: finds them, watches them, sweeps them. */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #spools = new Map<number, VmSpool>();
  readonly #sweeps = new Sweeps(this.#spools, (spool, isItsTurn) => {
    this.#noteRecovery(spool);
    this.guard(spool, () => {
      this.#look(spool, isItsTurn);
    });
  });
  /** Of the sweep under way: answers older than this are removed. */
  #staleBeforeNs: bigint | undefined;
  /** Something may have happened in any directory, and nobody tells of it. */
  #areEventsLost = false;
  /** Those in which something has happened since a sweep found them quiet. */
  readonly #awake = new Set<VmSpool>();
  /** Those in which there is something to do. */
  readonly #turns = new DeficitRoundRobin<VmSpool>(FIRST_TURN);
  /** VM directories that could not be opened, and why. */
  readonly #unopened = new Map<number, string>();
  /** What has a VM directory's name and is none. */
  readonly #refused = new Set<number>();
  /** VM directories of which the log says that they fail, and how. */
  readonly #failing = new Map<number, string>();
  #root: BigIntStats | undefined;
  #rootWatcher: DirectoryWatch | undefined;
  #watchLossReported = false;
  #rootReadable = true;
  #rootChanged = false;
  readonly #trust = new MtimeTrust();
  #listedMtimeNs: bigint | undefined;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Opens every VM directory in the root, and begins to watch. */
  open(): void {
    this.#watchRoot();
    this.#discover();
  }

  /** Lets everything go, once nothing is left to remove or after two seconds. */
  async close(): Promise<void> {
    this.#rootWatcher?.close();
    this.#rootWatcher = undefined;
    const directories = [...this.#spools.values()].map(({ directory }) => directory);
    for (const spool of this.#spools.values()) spool.close();
    this.#spools.clear();
    this.#awake.clear();
    this.#sweeps.close();
    this.#turns.clear();
    await removed(directories);
  }

  /** Whether no VM directory has anything left to look at. */
  get isDrained(): boolean {
    return [...this.#spools.values()].every((spool) => spool.isDrained);
  }

  /** VM directories that could not be read or written at the last attempt, and the root. */
  get failures(): number {
    const failed = [...this.#spools.values()].filter((spool) => spool.hasFailed);
    return failed.length + this.#unopened.size + Number(!this.#rootReadable);
  }

  get vmCount(): number {
    return this.#spools.size;
  }

  /** Whether a VM has a directory that is served. */
  has(vm: number): boolean {
    return this.#spools.has(vm);
  }

  /** Whether the root could be read at the last attempt. */
  get isRootReadable(): boolean {
    return this.#rootReadable;
  }

  /** Every VM that has a directory, or something in its place that cannot be used. */
  *vms(): IterableIterator<SpooledVm> {
    for (const { vm, tickets, hasFailed } of this.#spools.values()) {
      yield { vm, queued: tickets.size, hasFailed: hasFailed || this.#failing.has(vm) };
    }
    for (const vm of [...this.#unopened.keys(), ...this.#refused]) {
      yield { vm, queued: 0, hasFailed: true };
    }
  }

  /**
   * Looks at every VM directory in which something is going on, or that is not watched, at some of the
   * others by turns, and for new ones.
   *
   * @param staleBeforeNs If given, answers older than this that nobody fetched are removed.
   */
  sweep(staleBeforeNs?: bigint): void {
    this.#discover();
    this.#staleBeforeNs = staleBeforeNs;
    const all = staleBeforeNs !== undefined || this.#areEventsLost;
    this.#areEventsLost = false;
    this.#sweeps.begin({ awake: this.#awake, all });
  }

  #look(spool: VmSpool, isItsTurn: boolean): void {
    if (!spool.sweep(this.#staleBeforeNs, isItsTurn)) {
      this.#drop(spool);
      // Another one may have taken its name.
      this.#rootChanged = true;
    } else if (spool.isQuiet) {
      this.#awake.delete(spool);
    } else {
      this.#awake.add(spool);
    }
  }

  /**
   * Begins a turn of the event loop: what is served until the next one is bounded together.
   *
   * @param isFirst The first turn is to know all that was on disk, unless that is very much.
   */
  beginTurn(isFirst = false): void {
    this.#turns.beginTurn(isFirst ? FIRST_TURN : TURN);
  }

  /**
   * Serves the VMs that have something to do, each within its quantum.
   *
   * @param step Does the next thing that there is to do for a VM, and returns what it cost.
   */
  serve(step: (spool: VmSpool) => number): void {
    if (this.#rootChanged) this.#discover();
    this.#turns.serve({ hasWork: ({ hasWork }) => hasWork, step });
  }

  /** Takes a step for a VM that has something to do, on credit where its quantum is used up. */
  serveAhead(spool: VmSpool, step: (spool: VmSpool) => number): void {
    if (spool.hasWork) this.#turns.serveAhead(spool, step);
  }

  /** A VM has caused a cost otherwise than by a step. */
  charge(spool: VmSpool, cost: number): void {
    this.#turns.charge(spool, cost);
  }

  /** Whether {@link serve} has something to do. */
  get hasWork(): boolean {
    return this.#turns.hasWork;
  }

  /** Queue limits may have changed: what waits on disk may have room now. */
  noteLimits(): void {
    for (const spool of this.#spools.values()) if (spool.hasWork) this.#noteWork(spool);
  }

  #noteWork(spool: VmSpool): void {
    this.#awake.add(spool);
    this.#turns.add(spool);
    this.#options.events.emit('work');
  }

  /** Runs a step on one VM's directory; what fails there concerns nobody else. */
  guard(spool: VmSpool, step: () => void): void {
    try {
      step();
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      // Of one that is gone nothing is kept.
      if (this.#spools.get(spool.vm) !== spool) return;
      spool.noteFailure();
      this.#awake.add(spool);
      const { vm, directory } = spool;
      const fields = directory.explain(error);
      // A line when it begins, and when it is another failure: not one each second.
      if (this.#failing.get(vm) === fields.error) return;
      this.#failing.set(vm, fields.error);
      this.#options.logger.warn('cannot look at a VM directory; trying again at each sweep', {
        vm,
        ...fields,
      });
    }
  }

  /** To be asked before a sweep, which is a new attempt. */
  #noteRecovery({ vm, hasFailed }: VmSpool): void {
    if (hasFailed || !this.#failing.delete(vm)) return;
    this.#options.logger.info('a VM directory can be used again', { vm });
  }

  #discover(): void {
    const { root } = this.#options;
    try {
      const stats = statSync(root, { bigint: true });
      this.#noteRoot(stats);
      if (!this.#rootReadable) this.#options.logger.info('the root can be read again', { root });
      this.#rootReadable = true;
      if (this.#rootWatcher === undefined) this.#watchRoot();
      const { mtimeNs } = stats;
      if (!this.#rootChanged && mtimeNs === this.#listedMtimeNs) return;
      const names = new Set(readdirSync(root));
      this.#rootChanged = false;
      this.#listedMtimeNs = this.#trust.isRacy(mtimeNs) ? undefined : mtimeNs;
      this.#adoptAll(names);
    } catch (error) {
      if (errnoOf(error) === undefined && !(error instanceof MediatorError)) throw error;
      if (this.#rootReadable) {
        this.#options.logger.error('cannot read the root; trying again at each sweep', {
          root,
          error: (error as Error).message,
        });
      }
      this.#rootReadable = false;
    }
  }

  /** Where another directory has the root's name: that one is served from now on, if it may be. */
  #noteRoot(stats: BigIntStats): void {
    const before = this.#root;
    if (before !== undefined && (before.ino !== stats.ino || before.dev !== stats.dev)) {
      this.#options.lock.lockRoot();
      this.#rootWatcher?.close();
      this.#rootWatcher = undefined;
      this.#rootChanged = true;
    }
    this.#root = stats;
  }

  #adoptAll(names: ReadonlySet<string>): void {
    for (const spool of this.#spools.values()) {
      if (!names.has(encodeVmDirectoryName(spool.vm))) this.#drop(spool);
    }
    for (const vm of [...this.#refused, ...this.#unopened.keys()]) {
      if (names.has(encodeVmDirectoryName(vm))) continue;
      this.#refused.delete(vm);
      this.#unopened.delete(vm);
    }
    const spare = openSpare();
    try {
      for (const name of names) {
        const vm = z.safeDecode(VmDirectoryName, name).data;
        if (vm !== undefined) this.#adopt(vm);
      }
    } finally {
      for (const fd of spare) closeRead(fd);
    }
  }

  /** Opens a VM directory that is new, or that stands in the place of another of its name. */
  #adopt(vm: number): void {
    const { root, limits, queue, settings, logger } = this.#options;
    const known = this.#spools.get(vm);
    try {
      const path = join(root, encodeVmDirectoryName(vm));
      const stats = lstatSync(path, { bigint: true });
      if (known?.directory.is(stats)) return;
      if (known !== undefined) this.#drop(known);
      if (!stats.isDirectory()) {
        if (this.#refused.has(vm)) return;
        this.#refused.add(vm);
        logger.warn('not served, because it is no directory, or a link to one', { path });
        return;
      }
      const spool = new VmSpool({
        root,
        vm,
        maxQueued: () => limits.maxQueued(vm),
        isCrowded: () => queue.isOverloaded,
        settleMs: () => settings.settleMs,
        onAwake: (awake) => {
          this.#awake.add(awake);
        },
        onWork: (worker) => {
          this.#noteWork(worker);
        },
        onEvents: (source, events) => {
          this.#turns.charge(source, COST.event * events);
        },
        onEventsLost: () => {
          this.#noteLostEvents();
        },
        onWatchLost: (error) => {
          this.#reportWatchLoss(error);
        },
        onMuted: () => {
          logger.debug('a VM causes too many events; it is looked at by sweeps for now', { vm });
        },
        onStaleRemoved: (_spool, files) => {
          logger.info('removed files that nobody fetched', { vm, files });
        },
      });
      this.#refused.delete(vm);
      this.#unopened.delete(vm);
      this.#spools.set(vm, spool);
      this.#awake.add(spool);
      this.#turns.add(spool);
      this.#options.events.emit('work');
      logger.debug('serving a VM directory', { vm, path });
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      this.#listedMtimeNs = undefined;
      const fields = explain(error);
      if (this.#unopened.get(vm) === fields.error) return;
      this.#unopened.set(vm, fields.error);
      logger.warn('cannot open a VM directory; trying again at each sweep', { vm, ...fields });
    }
  }

  #drop(spool: VmSpool): void {
    this.#spools.delete(spool.vm);
    this.#awake.delete(spool);
    this.#turns.remove(spool);
    this.#sweeps.forget(spool);
    this.#failing.delete(spool.vm);
    spool.close();
    this.#options.events.emit('directoryGone', spool);
    this.#options.logger.info('a VM directory is gone', { vm: spool.vm });
    this.#options.events.emit('work');
  }

  #watchRoot(): void {
    this.#rootWatcher = watchDirectory(
      this.#options.root,
      'ofNames',
      (_names, _others, areLost) => {
        if (areLost) this.#noteLostEvents();
        else this.#rootChanged = true;
        this.#options.events.emit('work');
      },
      (error) => {
        this.#rootWatcher = undefined;
        this.#reportWatchLoss(error);
      },
    );
  }

  /** The next sweep looks at all VM directories; each does at the root. */
  #noteLostEvents(): void {
    this.#areEventsLost = true;
    this.#options.logger.debug('the kernel has lost events; the next sweep looks at all VMs');
  }

  #reportWatchLoss(error: Error): void {
    if (this.#watchLossReported) return;
    this.#watchLossReported = true;
    this.#options.logger.warn('inotify is not available for all directories; they are swept only', {
      error: error.message,
      remedy: 'raise fs.inotify.max_user_watches and fs.inotify.max_user_instances',
    });
  }
}
