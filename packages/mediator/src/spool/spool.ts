import { lstatSync, readdirSync, statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { encodeVmDirectoryName, VmDirectoryName } from '@vgpu/protocol';
import type { DeficitRoundRobin } from '../scheduling/deficit-round-robin.js';
import type { RequestSource, SourceVm, VmRequests } from '../scheduling/request-source.js';
import type { Logger } from '../telemetry/logger.js';
import type { Events } from '../events.js';
import { MediatorError } from '../mediator-error.js';
import { closeRead, errnoOf, type DirectoryWatch } from '@vgpu/linux';
import { explain } from '../explain.js';
import { MtimeTrust } from './mtime-trust.js';
import type { MediatorSettings } from '../settings.js';
import { openSpare } from './spare-descriptors.js';
import { SpoolEvents, type Share } from './share.js';
import { Scans } from './scans.js';
import { removed } from './removed.js';
import { VmSpool } from './vm-spool.js';
import { watchDirectory } from './watch-directory.js';

export interface SpoolOptions {
  /** The directory that holds the VM directories. */
  readonly root: string;
  /** How many requests of a VM may be queued at once. */
  readonly limits: { maxQueued(vm: number): number };
  /** While overloaded, each VM is limited to a share of its queue limit. */
  readonly queue: { readonly isOverloaded: boolean };
  readonly settings: Pick<MediatorSettings, 'settleMs'>;
  readonly logger: Logger;
  readonly lock: {
    /**
     * Another directory has taken the root's name.
     *
     * @throws MediatorError if that directory must not be served.
     */
    lockRoot(): void;
  };
  /** Shares the event loop among VMs: is told which VMs have work, and which further costs they cause. */
  readonly shares: Pick<DeficitRoundRobin<VmRequests>, 'add' | 'remove' | 'charge' | 'clear'>;
  /** Receives `work` and `requestsGone`. */
  readonly events: Events;
}

/** All VM directories below the root: finds, watches and scans them. */
export class Spool implements RequestSource {
  readonly #options: SpoolOptions;
  readonly #spools = new Map<number, Share>();
  readonly #scans = new Scans(this.#spools, (spool, isItsTurn) => {
    this.#logRecovery(spool);
    this.#scan(spool, isItsTurn);
  });
  /** The scan under way removes responses older than this. */
  #staleBeforeNs: bigint | undefined;
  /** Any directory may have changed without an event. */
  #areEventsLost = false;
  /** Directories that have changed since a scan found them idle. */
  readonly #active = new Set<Share>();
  readonly #vmEvents = new SpoolEvents();
  /** VM directories that could not be opened, and why. */
  readonly #unopened = new Map<number, string>();
  /** VMs whose directory name belongs to another kind of file. */
  readonly #refused = new Set<number>();
  /** VM directories whose failure was logged, and its message. */
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

  /** Opens every VM directory in the root, and begins to watch them. */
  open(): void {
    this.#watchRoot();
    this.#discover();
  }

  /** Closes everything, once no file is left to remove or after two seconds. */
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

  /** Whether no VM directory has a request left to read. */
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

  /** Includes VMs whose directory cannot be used. */
  *vms(): IterableIterator<SourceVm> {
    for (const { vm, admittedCount, hasFailed } of this.#spools.values()) {
      yield { vm, queued: admittedCount, hasFailed: hasFailed || this.#failing.has(vm) };
    }
    for (const vm of [...this.#unopened.keys(), ...this.#refused]) {
      yield { vm, queued: 0, hasFailed: true };
    }
  }

  /** Scans every VM directory that is active or not watched, and some of the others in rotation. */
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

  applyLimits(): void {
    // There may be room now for requests that wait on disk.
    for (const spool of this.#spools.values()) if (spool.hasWork) this.#activate(spool);
  }

  #scan(spool: Share, isItsTurn: boolean): void {
    let exists: boolean;
    try {
      exists = spool.scan(this.#staleBeforeNs, isItsTurn);
    } catch (error) {
      spool.recordFailure(error);
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
      this.#activate(spool);
    });
    events.on('active', (spool) => {
      this.#active.add(spool);
    });
    events.on('charged', (spool, cost) => {
      shares.charge(spool, cost);
    });
    events.on('failed', (spool, error) => {
      this.#recordFailure(spool, error);
    });
    events.on('requestFailed', (spool, request, error) => {
      const fields = { vm: spool.vm, request, ...spool.explain(error) };
      logger.warn('cannot admit a request', fields);
    });
    events.on('requestCleared', ({ vm }, request) => {
      logger.info('cleared a request that had its response before the restart', { vm, request });
    });
    events.on('throttled', ({ vm }) => {
      logger.debug('too many inotify events from this VM; it is only scanned for now', { vm });
    });
    events.on('staleRemoved', ({ vm }, files) => {
      logger.info('removed stale files', { vm, files });
    });
    events.on('eventsLost', () => {
      this.#scanAllNext();
    });
    events.on('watchLost', (error) => {
      this.#reportWatchLoss(error);
    });
  }

  #activate(spool: Share): void {
    this.#active.add(spool);
    this.#options.shares.add(spool);
    this.#options.events.emit('work');
  }

  /** A failure in one VM's directory does not affect other VMs. */
  #recordFailure(spool: Share, error: unknown): void {
    // The directory may be gone: then its failures are not recorded.
    if (this.#spools.get(spool.vm) !== spool) return;
    this.#active.add(spool);
    const { vm } = spool;
    const fields = spool.explain(error);
    // One line when a failure begins or its message changes, not one each second.
    if (this.#failing.get(vm) === fields.error) return;
    this.#failing.set(vm, fields.error);
    const message = 'cannot read a VM directory; trying again at each scan';
    this.#options.logger.warn(message, { vm, ...fields });
  }

  /** Must be called before a scan, which is a new attempt. */
  #logRecovery({ vm, hasFailed }: Share): void {
    if (hasFailed || !this.#failing.delete(vm)) return;
    this.#options.logger.info('a VM directory can be used again', { vm });
  }

  #discover(): void {
    const { root } = this.#options;
    try {
      const stats = statSync(root, { bigint: true });
      this.#checkRoot(stats);
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

  /** Serves another directory that has taken the root's name, if it may be served. */
  #checkRoot(stats: BigIntStats): void {
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

  /** Opens a VM directory that is new, or that has replaced another one of its name. */
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
        logger.warn('not served: not a directory, or a symbolic link to one', { path });
        return;
      }
      const spool = new VmSpool({ root, vm, limits, queue, settings, events: this.#vmEvents });
      this.#refused.delete(vm);
      this.#unopened.delete(vm);
      this.#spools.set(vm, spool);
      this.#activate(spool);
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
        if (areLost) this.#scanAllNext();
        else this.#rootChanged = true;
        this.#options.events.emit('work');
      },
      (error) => {
        this.#rootWatcher = undefined;
        this.#reportWatchLoss(error);
      },
    );
  }

  /** The next scan reads all VM directories; every scan reads the root. */
  #scanAllNext(): void {
    this.#areEventsLost = true;
    this.#options.logger.debug(
      'the kernel has lost events; the next scan reads all VM directories',
    );
  }

  #reportWatchLoss(error: Error): void {
    if (this.#watchLossReported) return;
    this.#watchLossReported = true;
    const message = 'inotify is not available for some directories; they are only scanned';
    this.#options.logger.warn(message, {
      error: error.message,
      remedy: 'raise fs.inotify.max_user_watches and fs.inotify.max_user_instances',
    });
  }
}
