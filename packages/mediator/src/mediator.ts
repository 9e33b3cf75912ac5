import type { VectorAdder } from '@vgpu/cuda-binding';
import { Admission } from './intake/admission.js';
import { checkOptions } from './check-options.js';
import { Conditions } from './conditions.js';
import { COST } from './scheduling/cost.js';
import { Delivery } from './delivery/delivery.js';
import { makeRoot, requireElsewhere } from './state/root-directory.js';
import type { Execution } from './devices/execution.js';
import { Executor } from './devices/executor.js';
import { InstanceLock } from './state/instance-lock.js';
import { Intake } from './intake/intake.js';
import { describe, slotLabel, type Job } from './scheduling/job.js';
import { LimitedLogger } from './telemetry/limited-logger.js';
import type { Logger } from './telemetry/logger.js';
import type { MediatorObserver } from './telemetry/observer.js';
import { openDevices } from './devices/open-devices.js';
import { PoolAssignment } from './devices/pool-assignment.js';
import { RequestQueue } from './scheduling/request-queue.js';
import { Registry } from './state/registry.js';
import { Retention } from './spool/retention.js';
import { DEFAULT_SETTINGS, type MediatorSettings } from './settings.js';
import type {
  DeviceSnapshot,
  MediatorOverview,
  MediatorSnapshot,
  Phase,
  QueueSnapshot,
  VmOverview,
  VmSnapshot,
} from './telemetry/snapshot.js';
import { Spool } from './spool/spool.js';
import type { VmSpool } from './spool/vm-spool.js';
import {
  Statistics,
  type FinishedRequest,
  type Outcome,
  type StatisticsSnapshot,
} from './telemetry/statistics.js';
import { queueSnapshot, recentWait, vmOverviews, vmSnapshots } from './telemetry/take-snapshot.js';
import { VERSION } from './constants.js';
import { MAX_TIMER_MS } from './time.js';

/** What a {@link Mediator} is made with; a setting that is absent is that of {@link DEFAULT_SETTINGS}. */
export interface MediatorOptions extends Partial<MediatorSettings> {
  /** The directory that holds one directory for each VM; created if there is none. */
  readonly root: string;
  /** The mediator's own directory, which no VM may reach; created if there is none. */
  readonly stateDir: string;
  /** One function for each device, which opens it. */
  readonly devices: readonly (() => Promise<VectorAdder>)[];
  /**
   * Their own numbers, in the same order: what snapshots and logs call a device that could not be opened
   * yet. Default: not known before that.
   */
  readonly deviceNumbers?: readonly number[];
  /** Told what happens, with fields such as `vm` and `slot`; what a VM causes is limited in number. */
  readonly logger: Logger;
}

/** So many are queued when VMs are held to a part of their queue limits: more would only fill memory. */
const CROWD = 16_384;
/** For so long jobs follow each other in one turn, milliseconds: new arrivals wait no longer. */
const TURN_MS = 0.5;
/** So many follow each other in any case. */
const MIN_SERVED = 2;
/**
 * So long after it was read a request is not looked at again before it is computed, milliseconds: that
 * would take longer than to compute it in vain. It is looked at before it is answered, in any case.
 */
const FRESH_MS = 100;
/**
 * A request that has met so many lost devices is answered. The first one is not its fault, since no
 * two vectors of int32 can harm a device; but one after which every device is lost, for whatever
 * reason, must not take them from all others for ever.
 */
const MAX_DEVICE_FAULTS = 2;

/**
 * Serves the requests below a root directory.
 *
 * It is crash-only: what is on disk is what there is to do. A request stays there until its answer
 * is in place, so that a mediator killed at any instruction loses nothing; the next one goes on.
 *
 * All work happens in turns of the event loop: look at what is new, queue it in the order of
 * arrival, give every idle device the first job. A finished operation is answered at once, and its
 * device given the next job, for half a millisecond: then new arrivals are noticed. What each VM causes is
 * charged to it, and VMs share what a turn takes in by deficit round robin.
 */
export class Mediator {
  readonly #root: string;
  readonly #stateDir: string;
  readonly #logger: Logger;
  readonly #limitedLogger: Logger;
  readonly #lock: InstanceLock;
  readonly #spool: Spool;
  readonly #admission: Admission;
  readonly #intake: Intake;
  readonly #queue = new RequestQueue({ agingMs: () => this.#settings.agingMs });
  readonly #executors: readonly Executor[];
  readonly #pools: PoolAssignment;
  readonly #statistics = new Statistics();
  readonly #observers: MediatorObserver[] = [];
  readonly #madeMs = performance.now();
  readonly #delivery: Delivery;
  /** Absent until the start. */
  #registry: Registry | undefined;
  #settings: MediatorSettings;
  readonly #conditions = new Conditions();
  readonly #retention = new Retention();
  #phase: Phase = 'new';
  #stopping: Promise<void> | undefined;
  #turn: NodeJS.Immediate | undefined;
  #isFirstTurn = true;
  /** When this turn had taken in what it may, and began to serve. */
  #servingSinceMs = 0;
  /** Jobs that have left the queue, and wait until nothing locks their VM's directory. */
  readonly #deferred = new Map<VmSpool, Job[]>();
  /** Jobs that a device is done with since then. */
  #served = 0;
  #sweep: NodeJS.Timeout | undefined;

  /**
   * Touches no file and opens no device: {@link start} does.
   *
   * @param options What it serves, on which devices, and how.
   * @throws MediatorError `INVALID_CONFIG`: an option is missing or of another type.
   */
  constructor(options: MediatorOptions) {
    const { root, stateDir, devices, deviceNumbers, logger, ...settings } = checkOptions(options);
    this.#root = root;
    this.#logger = logger;
    const limited = (this.#limitedLogger = new LimitedLogger(logger));
    this.#settings = { ...DEFAULT_SETTINGS, ...settings };
    this.#lock = new InstanceLock(stateDir, root, logger);
    this.#stateDir = stateDir;
    this.#spool = new Spool({
      root,
      logger: limited,
      isCrowded: () => this.#queue.size >= CROWD,
      maxQueuedPerVm: (vm) => this.#registry?.get(vm)?.maxQueued ?? this.#settings.maxQueuedPerVm,
      settleMs: () => this.#settings.settleMs,
      onWork: () => {
        this.#requestTurn();
      },
      onRootReplaced: () => {
        this.#lock.lockRoot();
      },
      onGone: (spool) => {
        for (const job of spool.jobs.values()) this.#withdraw(job);
        this.#forgetIfGone(spool.vm);
      },
    });
    this.#admission = new Admission({
      registrationOf: (vm) => this.#registry?.get(vm),
      requireRegistration: () => this.#settings.requireRegistration,
      rateLimit: () => this.#settings.rateLimit,
    });
    this.#intake = new Intake({
      logger: limited,
      admission: this.#admission,
      onVoid: (job) => this.#withdraw(job),
      onRejected: (request) => {
        this.#record(request, performance.now());
        const { vm, slot, outcome } = request;
        limited.info('request rejected', { vm, slot, outcome });
      },
    });
    this.#delivery = new Delivery({
      logger: limited,
      onDelivered: (job, outcome, execution) => {
        const cost = COST.response + COST.element * job.request.a.length;
        this.#spool.charge(job.spool, cost);
        this.#finish(job, outcome, execution);
        this.#requestTurn();
      },
    });
    this.#executors = devices.map(
      (open, index) =>
        new Executor({
          index,
          device: deviceNumbers?.[index],
          open,
          logger,
          execLimitMs: () => this.#settings.execLimitMs,
          onReady: () => {
            this.#notePools();
            this.#requestTurn();
          },
          onChanged: (device, fault) => {
            this.#pools.assign();
            for (const observer of this.#observers) observer.deviceChanged?.(device, fault);
          },
          onLeftAlone: () => {
            this.#notePools();
          },
        }),
    );
    this.#pools = new PoolAssignment({
      executors: this.#executors,
      devicesOf: (pool) => this.#registry?.poolDevices(pool),
      logger,
    });
  }

  /** Requests that are queued, not counting those on a device. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Requests that are queued or on a device. */
  get unfinished(): number {
    const busy = this.#executors.filter((executor) => executor.isBusy).length;
    const deferred = [...this.#deferred.values()].flat().length;
    return this.#queue.size + deferred + busy;
  }

  /** Requests that have been computed, and whose answers could not be put in place so far. */
  get undelivered(): number {
    return this.#delivery.pending;
  }

  /** Answers that could not be put in place so far, and VM directories that could not be used. */
  get failures(): number {
    return this.#delivery.pending + this.#spool.failures;
  }

  /** Totals since the mediator was made. */
  statistics(): StatisticsSnapshot {
    return this.#statistics.snapshot();
  }

  /** What there is to see now; takes time in proportion to the number of VMs. */
  snapshot(): MediatorSnapshot {
    return { ...this.overview(), vms: vmSnapshots(this.#vmSources) };
  }

  /** The part of {@link snapshot} that costs little, however many VMs there are. */
  overview(): MediatorOverview {
    return {
      version: VERSION,
      uptimeMs: performance.now() - this.#madeMs,
      root: this.#root,
      stateDir: this.#stateDir,
      phase: this.#phase,
      isRootReadable: this.#spool.isRootReadable,
      queue: this.queueSnapshot(),
      devices: this.#executors.map((executor) => executor.snapshot()),
      pools: this.#pools.snapshot(),
      totals: this.#statistics.totals,
    };
  }

  /**
   * The VMs of {@link snapshot} one by one, in no order, each once. Requests may be served while one goes
   * through them: what changes meanwhile is in it, or not.
   */
  vms(): IterableIterator<VmOverview> {
    return vmOverviews(this.#vmSources);
  }

  /**
   * How long requests of a VM waited for a device in the last five minutes.
   *
   * @param vm Its number.
   * @returns null if there were none.
   */
  recentWaitMs(vm: number): VmSnapshot['recentWaitMs'] {
    return recentWait(vm, { statistics: this.#statistics });
  }

  get #vmSources() {
    return {
      registry: this.#registry,
      spool: this.#spool,
      statistics: this.#statistics,
      requireRegistration: this.#settings.requireRegistration,
    };
  }

  /** The part of {@link snapshot} that costs next to nothing, whatever there is. */
  queueSnapshot(): QueueSnapshot {
    return queueSnapshot(this.#queue);
  }

  /**
   * The devices that have been at one operation, or at being opened, for so many milliseconds longer than
   * the execution limit. One that merely hangs is opened anew at that limit; only another process can help
   * where that hangs, too.
   *
   * @param marginMs Milliseconds.
   */
  stuckDevices(marginMs: number): DeviceSnapshot[] {
    const stuck = this.#executors.filter((executor) => executor.isStuck(marginMs));
    return stuck.map((executor) => executor.snapshot());
  }

  /**
   * Tells an observer what happens from now on.
   *
   * @param observer Told until the mediator has stopped.
   */
  observe(observer: MediatorObserver): void {
    this.#observers.push(observer);
  }

  /**
   * Changes settings while serving.
   *
   * @param settings What is absent stays as it is.
   */
  configure(settings: Partial<MediatorSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.#spool.noteLimits();
  }

  /**
   * Reads the registry again, which decides about what is taken up from now on. What is queued keeps its
   * place, but for VMs of which nothing is served any more: that is answered `SUSPENDED` or `UNKNOWN_VM`.
   * Devices take requests of the pools that they serve now, and VMs have the limits that are theirs now.
   *
   * @returns how many VMs are registered.
   * @throws MediatorError `INVALID_REGISTRY`; what was known counts on then.
   */
  reloadRegistry(): number {
    this.#registry?.reload();
    for (const vm of this.#statistics.vms.keys()) this.#forgetIfGone(vm);
    for (const job of [...this.#queue]) {
      const refusal = this.#admission.refusalOf(job.spool.vm);
      if (refusal === undefined) continue;
      this.#queue.remove(job);
      if (this.#isStillThere(job)) this.#delivery.deliver(job, { answer: refusal, execMs: 0 });
    }
    this.#pools.assign();
    this.#notePools();
    this.#spool.noteLimits();
    this.#requestTurn();
    return this.#registry?.size ?? 0;
  }

  /**
   * Locks the state directory, reads the registry, opens the devices and the root, and begins to serve.
   *
   * @throws MediatorError `ALREADY_RUNNING`, `STATE_DIR_UNUSABLE`, `INVALID_REGISTRY`,
   *   `INVALID_CONFIG` or `ROOT_UNUSABLE`.
   * @throws DeviceError if no device can be opened; such as can't while another can are tried again.
   * @throws RangeError if there is no device.
   */
  async start(): Promise<void> {
    if (this.#phase !== 'new') throw new Error('expected a new mediator: each one starts once');
    if (this.#executors.length === 0) throw new RangeError('devices: expected at least one');
    makeRoot(this.#root, this.#logger);
    this.#lock.acquire();
    try {
      requireElsewhere(this.#stateDir, this.#root);
      this.#registry = new Registry(this.#stateDir);
      const opening = openDevices(this.#executors, this.#logger, () => {
        this.#notePools();
        this.#requestTurn();
      });
      // A device may take for ever to open; stop() ends that.
      await Promise.race([opening, this.#conditions.until(() => this.#isStopping)]);
      if (this.#isStopping) return;
      this.#phase = 'serving';
      this.#notePools();
      this.#spool.open();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#logger.info('ready', {
      root: this.#root,
      vms: this.#spool.vmCount,
      registered: this.#registry.size,
      devices: this.#executors.length,
    });
    this.#scheduleSweep();
  }

  /**
   * Waits until all that was on disk has been served, once nothing settles or waits any more, or
   * until the mediator is stopped. What cannot be done, and is tried again and again, is counted by
   * `failures` and not waited for.
   */
  drain(): Promise<void> {
    return this.#conditions.until(() => this.#isStopping || this.#isSettled());
  }

  /**
   * Takes up nothing more, and waits until what is queued has been computed, or until the mediator is
   * stopped. What is on disk stays there, and so do requests whose answers cannot be put in place.
   */
  finishQueue(): Promise<void> {
    if (this.#phase === 'serving') this.#phase = 'draining';
    return this.#conditions.until(() => this.#isStopping || this.unfinished === 0);
  }

  /**
   * Finishes what is on a device, leaves the rest on disk, and lets everything go. Devices that hang
   * are not waited for, others that open or close for two seconds at most.
   */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#phase = 'stopping';
    clearTimeout(this.#sweep);
    clearImmediate(this.#turn);
    this.#conditions.look();
    await this.#conditions.until(() => !this.#executors.some((executor) => executor.isBusy));
    this.#delivery.close();
    await Promise.allSettled(this.#executors.map((executor) => executor.stop()));
    await this.#spool.close();
    this.#lock.release();
  }

  get #isStopping(): boolean {
    return this.#phase === 'stopping';
  }

  get #isServing(): boolean {
    return this.#phase === 'serving' || this.#phase === 'draining';
  }

  #scheduleSweep(): void {
    this.#sweep = setTimeout(
      () => {
        this.#spool.sweep(this.#retention.due(this.#settings.retentionMs));
        this.#scheduleSweep();
      },
      Math.min(this.#settings.pollIntervalMs, MAX_TIMER_MS),
    );
  }

  #requestTurn(): void {
    if (!this.#isServing) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#spool.beginTurn(this.#isFirstTurn);
      this.#isFirstTurn = false;
      this.#takeIn();
      this.#servingSinceMs = performance.now();
      this.#served = 0;
      this.#dispatch();
      this.#conditions.look();
    });
  }

  #notePools(): void {
    if (this.#isServing) this.#pools.note();
  }

  #isSettled(): boolean {
    return this.unfinished === 0 && this.#spool.isDrained;
  }

  /** Nothing once it is draining. */
  #takeIn(): void {
    if (this.#phase !== 'serving') return;
    const jobs: Job[] = [];
    this.#spool.serve((spool) => this.#takeFrom(spool, jobs));
    if (this.#spool.hasWork) this.#requestTurn();
    this.#enqueue(jobs);
  }

  /**
   * Takes in the next request of a VM that has few left in the queue, on credit if need be: while it has
   * more on disk, no lower priority is to be served because its quantum is used up, unless its requests
   * are so dear that it has to wait for that.
   */
  #takeInAhead({ spool }: Job): void {
    if (this.#phase !== 'serving' || spool.jobs.size >= this.#executors.length) return;
    const jobs: Job[] = [];
    this.#spool.serveAhead(spool, () => this.#takeFrom(spool, jobs));
    this.#enqueue(jobs);
  }

  #enqueue(jobs: readonly Job[]): void {
    this.#queue.push(jobs);
    for (const job of jobs) this.#logger.debug('request queued', describe(job));
  }

  /** Takes a step for a VM, which may give a job; returns what it cost. */
  #takeFrom(spool: VmSpool, jobs: Job[]): number {
    // What a step that fails has cost is not known.
    let cost: number = COST.response;
    this.#spool.guard(spool, () => {
      const taken = spool.take();
      cost = taken.cost;
      if (taken.candidate === undefined) return;
      const considered = this.#intake.consider(spool, taken.candidate);
      cost += considered.cost;
      if (considered.job !== undefined) jobs.push(considered.job);
    });
    return cost;
  }

  #dispatch(): void {
    for (const { executor, pools } of this.#pools.choosers) {
      while (executor.isIdle) {
        const job = this.#queue.take(pools);
        if (job === undefined) break;
        if (job.spool.directory.isLocked) this.#defer(job);
        else void this.#serve(executor, job);
      }
    }
  }

  /** Gives a job its place again once a thread is done with its VM's directory. */
  #defer(job: Job): void {
    const { spool } = job;
    const deferred = this.#deferred.get(spool);
    if (deferred !== undefined) {
      deferred.push(job);
      return;
    }
    this.#deferred.set(spool, [job]);
    spool.directory.whenUnlocked(() => {
      const jobs = this.#deferred.get(spool) ?? [];
      this.#deferred.delete(spool);
      for (const each of jobs) this.#queue.putBack(each);
      // At once: the thread may have more to read.
      if (this.#isServing) this.#dispatch();
    });
  }

  async #serve(executor: Executor, job: Job): Promise<void> {
    const waitMs = performance.now() - job.admittedMs;
    const isFresh = waitMs < FRESH_MS && job.plainText === undefined;
    if (!isFresh && !this.#isStillThere(job)) return;
    job.waitMs = waitMs;
    job.device = executor.device;
    this.#logger.debug('request on the device', { ...describe(job), device: executor.device });
    const execution = await executor.run(job);
    if ('code' in execution.answer) {
      const { code, text } = execution.answer;
      const fields = { ...describe(job), device: executor.device, code, error: text };
      this.#logger.warn('a device did not compute a request', fields);
    }
    if (!this.#putBack(job, execution)) this.#delivery.deliver(job, execution);
    if (this.#pools.isAnyUnserved) this.#notePools();
    this.#goOn(job);
    this.#conditions.look();
  }

  /**
   * Serves what is queued in the same turn while that is young: each turn costs as much as a job. As long
   * as a turn has for taking in, it has for this, and for two jobs at least, however slow: it takes in one
   * at least of those that wait, and what is queued is to get less.
   */
  #goOn(job: Job): void {
    this.#served += 1;
    this.#takeInAhead(job);
    const isYoung = performance.now() - this.#servingSinceMs < TURN_MS;
    if (this.#isServing) {
      // A VM that is held to a few queued requests must not run out of them while more of it wait.
      if (isYoung && this.#spool.hasWork) this.#takeIn();
      if (isYoung || this.#served < MIN_SERVED) this.#dispatch();
    }
    this.#requestTurn();
  }

  /** Queues a job again whose device was lost; false if it is to be answered. */
  #putBack(job: Job, { fault }: Execution): boolean {
    if (fault?.kind !== 'lost') return false;
    job.deviceFaults = (job.deviceFaults ?? 0) + 1;
    if (job.deviceFaults >= MAX_DEVICE_FAULTS) return false;
    // While a job is on a device nobody looks at what happens to its file. Where nobody can, its turn will.
    if (job.spool.directory.isLocked || this.#isStillThere(job)) {
      this.#queue.putBack(job);
      this.#logger.warn('request queued again, because its device was lost', describe(job));
    }
    return true;
  }

  /** Whether a job's request is still the one that was read; if not, the job leaves. */
  #isStillThere(job: Job): boolean {
    const { spool, slot, plainText } = job;
    let isStillThere: boolean | undefined;
    this.#spool.guard(spool, () => {
      const isUntouched = spool.directory.fateOf(slot, job.file) === 'untouched';
      // Without the mark, a plain request cannot be told from the next one.
      const isPlain = isUntouched && plainText !== undefined;
      const file = isPlain ? spool.directory.markPlain(plainText) : job.file;
      isStillThere = isUntouched && file !== undefined;
      job.file = file ?? job.file;
    });
    if (isStillThere === false) {
      this.#spool.charge(spool, COST.withdrawal);
      this.#finish(job, 'WITHDRAWN');
    }
    if (isStillThere === undefined) {
      // Nobody knows now. What is on disk is found again by the next sweep.
      spool.release(job);
      this.#logger.debug('request left on disk for the next sweep', describe(job));
    }
    return isStillThere === true;
  }

  /** A queued job's request is gone or another one; true if the job was still queued. */
  #withdraw(job: Job): boolean {
    if (!this.#queue.remove(job)) return false;
    this.#finish(job, 'WITHDRAWN');
    return true;
  }

  /** @param execution What came of the job on its device; absent if it has not computed the job. */
  #finish(job: Job, outcome: Outcome, execution?: Execution): void {
    const { spool, request } = job;
    spool.release(job);
    // What stands there now may be the next request.
    if (outcome === 'WITHDRAWN') spool.notice(job.name);
    const { waitMs, device } = job;
    const times =
      execution && waitMs !== undefined ? { waitMs, execMs: execution.execMs, device } : undefined;
    const nowMs = performance.now();
    this.#record(
      {
        vm: spool.vm,
        slot: slotLabel(job.slot),
        pool: request.pool,
        priority: request.priority,
        isClaimOverridden: job.claim !== undefined,
        outcome,
        ...(execution && 'code' in execution.answer && { error: execution.answer.text }),
        ...times,
        durationMs: nowMs - job.admittedMs,
      },
      nowMs,
    );
    const logger = execution === undefined ? this.#limitedLogger : this.#logger;
    logger.info('request finished', {
      ...describe(job),
      ...(times && { waitMs: round(times.waitMs), execMs: round(times.execMs) }),
      outcome,
    });
  }

  #record(request: FinishedRequest, nowMs: number): void {
    this.#statistics.record(request, nowMs);
    for (const observer of this.#observers) observer.requestFinished?.(request);
    this.#forgetIfGone(request.vm);
  }

  /** What is kept of each VM must not grow with the number of VMs that there have ever been. */
  #forgetIfGone(vm: number): void {
    if (this.#spool.has(vm) || this.#registry?.get(vm) !== undefined) return;
    this.#statistics.forget(vm);
    for (const observer of this.#observers) observer.vmGone?.(vm);
  }
}

/** To microseconds. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
