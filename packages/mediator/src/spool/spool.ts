import { lstatSync, readdirSync, statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { encodeVmDirectoryName, VmDirectoryName } from '@vgpu/protocol';
import type { DeficitRoundRobin } from '../scheduling/deficit-round-robin.js';
import type { RequestSource, SourceVm, VmRequests } from '../scheduling/request-source.js';
import type { Logger } from '../telemetry/logger.js';
import type { Events } from '../events.js';
import { MediatorError } from '../mediator-error.js';
import { closeRead, errnoOf, explain } from '../linux/errno.js';
import { MtimeTrust } from './mtime-trust.js';
import type { MediatorSettings } from '../settings.js';
import { openSpare } from './spare-descriptors.js';
import { SpoolEvents, type Share } from './share.js';
import { Scans } from './scans.js';
import { removed } from './removed.js';
import { VmSpool } from './vm-spool.js';
import { watchDirectory, type DirectoryWatch } from './watch-directory.js';

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
  /** Shares the event loop among VMs: told which have something to do, and what they cost besides. */
  readonly shares: Pick<DeficitRoundRobin<VmRequests>, 'add' | 'remove' | 'charge' | 'clear'>;
  /** Told of `work` and of `requestsGone`. */
  readonly events: Events;
}

/** All VM directories below the root: finds them, watches them, sweeps them. */
export class Spool implements RequestSource {
  readonly #options: SpoolOptions;
  readonly #spools = new Map<number, Share>();
  readonly #scans = new Scans(this.#spools, (spool, isItsTurn) => {
    this.#noteRecovery(spool);
    this.#scan(spool, isItsTurn);
  });
  /** Of the sweep under way: answers older than this are removed. */
  #staleBeforeNs: bigint | undefined;
  /** Something may have happened in any directory, and nobody tells of it. */
  #areEventsLost = false;
  /** Those in which something has happened since a sweep found them quiet. */
  readonly #active = new Set<Share>();
  readonly #vmEvents = new SpoolEvents();
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
    this.#subscribe();
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
    this.#active.clear();
    this.#scans.close();
    this.#options.shares.clear();
    await removed(directories);
  }

  /** Whether no VM directory has anything left to look at. */
  get isDrained(): boolean {
    return [...this.#spools.values()].every((spool) => spool.isDrained);
  }

  get failures(): number {
    const failed = [...this.#spools.values()].filter((spool) => spool.hasFailed);
    return failed.length + this.#unopened.size + Number(!this.#rootReadable);
  }

  get vmCount(): number {
    return this.#spools.size;
  }

  has(vm: number): boolean {
    return this.#spools.has(vm);
  }

  get isReadable(): boolean {
    return this.#rootReadable;
  }

  /** Also those that have something in the directory's place that cannot be used. */
  *vms(): IterableIterator<SourceVm> {
    for (const { vm, admittedCount, hasFailed } of this.#spools.values()) {
      yield { vm, queued: admittedCount, hasFailed: hasFailed || this.#failing.has(vm) };
    }
    for (const vm of [...this.#unopened.keys(), ...this.#refused]) {
      yield { vm, queued: 0, hasFailed: true };
    }
  }

  /** Scans every VM directory that is active or not watched, and some of the others by turns. */
  scan(staleBeforeNs?: bigint): void {
    this.#discover();
    this.#staleBeforeNs = staleBeforeNs;
    const all = staleBeforeNs !== undefined || this.#areEventsLost;
    this.#areEventsLost = false;
    this.#scans.begin({ active: this.#active, all });
  }

  refresh(): void {
    if (this.#rootChanged) this.#discover();
  }

  noteLimits(): void {
    // What waits on disk may have room now.
    for (const spool of this.#spools.values()) if (spool.hasWork) this.#noteWork(spool);
  }

  #scan(spool: Share, isItsTurn: boolean): void {
    let exists: boolean;
    try {
      exists = spool.scan(this.#staleBeforeNs, isItsTurn);
    } catch (error) {
      spool.noteFailure(error);
      return;
    }
    if (!exists) {
      this.#drop(spool);
      // Another one may have taken its name.
      this.#rootChanged = true;
    } else if (spool.isIdle) {
      this.#active.delete(spool);
    } else {
      this.#active.add(spool);
    }
  }

  #subscribe(): void {
    const { logger, shares } = this.#options;
    const events = this.#vmEvents;
    events.on('work', (spool) => {
      this.#noteWork(spool);
    });
    events.on('active', (spool) => {
      this.#active.add(spool);
    });
    events.on('charged', (spool, cost) => {
      shares.charge(spool, cost);
    });
    events.on('failed', (spool, error) => {
      this.#noteFailure(spool, error);
    });
    events.on('requestFailed', (spool, request, error) => {
      const fields = { vm: spool.vm, request, ...spool.explain(error) };
      logger.warn('cannot take up a request', fields);
    });
    events.on('requestCleared', ({ vm }, request) => {
      logger.info('cleared a request that was answered before the restart', { vm, request });
    });
    events.on('throttled', ({ vm }) => {
      logger.debug('too many inotify events from this VM; it is only scanned for now', { vm });
    });
    events.on('staleRemoved', ({ vm }, files) => {
      logger.info('removed files that nobody fetched', { vm, files });
    });
    events.on('eventsLost', () => {
      this.#noteLostEvents();
    });
    events.on('watchLost', (error) => {
      this.#reportWatchLoss(error);
    });
  }

  #noteWork(spool: Share): void {
    this.#active.add(spool);
    this.#options.shares.add(spool);
    this.#options.events.emit('work');
  }

  /** What fails in one VM's directory concerns nobody else. */
  #noteFailure(spool: Share, error: unknown): void {
    // Of one that is gone nothing is kept.
    if (this.#spools.get(spool.vm) !== spool) return;
    this.#active.add(spool);
    const { vm } = spool;
    const fields = spool.explain(error);
    // A line when it begins, and when it is another failure: not one each second.
    if (this.#failing.get(vm) === fields.error) return;
    this.#failing.set(vm, fields.error);
    const message = 'cannot read a VM directory; trying again at each scan';
    this.#options.logger.warn(message, { vm, ...fields });
  }

  /** To be asked before a sweep, which is a new attempt. */
  #noteRecovery({ vm, hasFailed }: Share): void {
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
        this.#options.logger.error('cannot read the root; trying again at each scan', {
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
      const spool = new VmSpool({ root, vm, limits, queue, settings, events: this.#vmEvents });
      this.#refused.delete(vm);
      this.#unopened.delete(vm);
      this.#spools.set(vm, spool);
      this.#noteWork(spool);
      logger.debug('serving a VM directory', { vm, path });
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      this.#listedMtimeNs = undefined;
      const fields = explain(error);
      if (this.#unopened.get(vm) === fields.error) return;
      this.#unopened.set(vm, fields.error);
      logger.warn('cannot open a VM directory; trying again at each scan', { vm, ...fields });
    }
  }

  #drop(spool: Share): void {
    this.#spools.delete(spool.vm);
    this.#active.delete(spool);
    this.#options.shares.remove(spool);
    this.#scans.forget(spool);
    this.#failing.delete(spool.vm);
    spool.close();
    this.#options.events.emit('requestsGone', spool);
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
