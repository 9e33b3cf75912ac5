import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Mediator } from '../../src/mediator.js';
import type { MediatorOptions } from '../../src/options.js';
import { systemError, type FakeFs, type FsCall } from '../support/fake-fs.js';
import type { Steps } from './clients.js';
import { settlePromises, SimulatedClock } from './clock.js';
import { Disk } from './disk.js';
import { Guest } from './guest.js';
import type { HistoryEvent } from './history.js';
import { MediatorProcess } from './mediator-process.js';
import { planOf, type Plan } from './plan.js';
import { idsFrom, populationOf } from './population.js';
import { Random } from '../../../../tests/support/random.js';

export interface WorldOptions {
  readonly fakeFs: FakeFs;
  readonly Mediator: new (options: MediatorOptions) => Mediator;
  /** An empty directory. */
  readonly base: string;
  readonly seed: number;
}

/** The state of a client. */
interface Client {
  readonly steps: Steps;
  /** Not before, unless it is in the way of the mediator's next system call. */
  wakeNs: number;
  /** Not after. */
  dueNs: number;
}

const MS = 1_000_000;
const FIRST_ID = 100;
/** In the end every request must have its response within this time, that is after some scans. */
const PATIENCE_NS = 300_000 * MS;
const MAX_STEPS = 200_000;

/** A host with its virtual machines; a seed decides which of them acts next. */
export class World {
  readonly history: HistoryEvent[] = [];
  readonly plan: Plan;
  /** Files left on disk in the end, as `<directory>/<name>`. */
  left: string[] = [];
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #clock: SimulatedClock;
  readonly #disk: Disk;
  readonly #root: string;
  readonly #guests: Guest[] = [];
  #clients: Client[] = [];
  #process: MediatorProcess | undefined;
  #mediators = 0;
  /** From now on there are no failures and no kills. */
  #isPeaceful = false;
  #isClientRunning = false;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.plan = planOf(this.#random);
    this.#clock = new SimulatedClock(this.plan.tickNs);
    this.#disk = new Disk(this.#clock, (directory, name) => {
      this.#process?.calls.changed(directory, name);
    });
    this.#root = join(options.base, 'root');
  }

  async run(): Promise<void> {
    mkdirSync(this.#root);
    this.#clock.install();
    this.#options.fakeFs.intercept((call) => {
      if (this.#process === undefined) throw systemError('EIO');
      return this.#process.calls.intercept(call);
    });
    try {
      this.#createClients();
      const steps = this.#random.between(200, 2000);
      for (let i = 0; i < steps && this.#clients.length > 0; i += 1) await this.#step();
      this.#isPeaceful = true;
      await this.#runUntil(() => this.#clients.length === 0);
      await this.#rest(3000);
      await this.#clearUp();
    } finally {
      this.#options.fakeFs.restore();
      this.#clock.uninstall();
      this.#process?.bury();
    }
  }

  /** Leftovers of kills and errors go with the next start and with the retention time. */
  async #clearUp(): Promise<void> {
    await this.#process?.stop();
    const process = await this.#start({ retentionMs: 100 });
    await this.#rest(5000);
    await process.stop();
    this.left = this.#guests.flatMap((guest) =>
      guest
        .names()
        .filter((name) => name !== 'response.txt' || guest.read(name) !== '')
        .map((name) => `vm${guest.vm}/${name}`),
    );
    this.left.push(...process.calls.open);
  }

  #createClients(): void {
    const { plan, history } = this;
    const ids = idsFrom(FIRST_ID);
    for (let vm = 1; vm <= plan.vms; vm += 1) {
      const guest = new Guest(this.#root, vm, this.#disk);
      this.#guests.push(guest);
      const population = populationOf({ plan, guest, history, random: this.#random, ids });
      for (const steps of population) {
        this.#clients.push({ steps, wakeNs: 0, dueNs: Infinity });
      }
    }
  }

  async #start(settings: Partial<MediatorOptions> = {}): Promise<MediatorProcess> {
    const { plan } = this;
    const process = new MediatorProcess({
      Mediator: this.#options.Mediator,
      number: (this.#mediators += 1),
      clock: this.#clock,
      disk: this.#disk,
      random: this.#random,
      history: this.history,
      inotify: plan.inotify,
      devices: plan.devices,
      settings: {
        root: this.#root,
        stateDir: join(this.#options.base, 'state'),
        maxQueuedPerVm: plan.maxQueuedPerVm,
        ...settings,
      },
      before: (call) => this.#beforeCall(call),
    });
    this.#process = process;
    await process.start();
    await settlePromises();
    return process;
  }

  /** One thing happens: a turn of the mediator, an event, a result, a step of a client, an end. */
  async #step(): Promise<void> {
    const { plan } = this;
    const random = this.#random;
    const clock = this.#clock;
    this.#pass(random.between(1000, 50_000));
    const process = this.#process;
    if (process === undefined || process.isDead) {
      await settlePromises();
      process?.bury();
      if (!this.#isPeaceful && random.chance(0.5)) this.#stepClient();
      else await this.#start();
      return;
    }
    const awake = this.#clients.some(({ wakeNs }) => wakeNs <= clock.nowNs);
    const choices = [
      ...(clock.hasImmediates ? ['turn', 'turn'] : []),
      ...(process.calls.hasEvents ? ['event', 'event'] : []),
      ...(process.inFlight > 0 ? ['result'] : []),
      ...(clock.nextDueNs <= clock.nowNs ? ['timer'] : []),
      ...(awake ? ['client', 'client', 'client'] : []),
    ];
    if (!this.#isPeaceful && random.chance(plan.kills / 4)) {
      process.kill();
    } else if (choices.length === 0 || random.chance(0.02)) {
      this.#passUntilSomethingIsDue();
    } else {
      const choice = random.pick(choices);
      if (choice === 'turn') clock.runImmediates();
      else if (choice === 'event') process.calls.tellOne();
      else if (choice === 'result') process.finishOne();
      else if (choice === 'timer') clock.runTimer();
      else this.#stepClient();
      if (choice !== 'client') await settlePromises();
    }
  }

  async #runUntil(isDone: () => boolean): Promise<void> {
    const giveUpNs = this.#clock.nowNs + PATIENCE_NS;
    for (let i = 0; i < MAX_STEPS && !isDone(); i += 1) {
      if (this.#clock.nowNs > giveUpNs) return;
      await this.#step();
    }
  }

  async #rest(ms: number): Promise<void> {
    const endNs = this.#clock.nowNs + ms * MS;
    await this.#runUntil(() => this.#clock.nowNs >= endNs);
  }

  /** Acts before a system call of the mediator. */
  #beforeCall({ name }: FsCall): string | undefined {
    const { plan } = this;
    const random = this.#random;
    this.#pass(random.chance(0.05) ? random.between(1, 2 * MS) : random.between(1000, 30_000));
    if (plan.focus?.includes(name) === false) return undefined;
    if (random.chance(plan.preemptions)) this.#stepClient(random.between(1, plan.burst));
    if (this.#isPeaceful) return undefined;
    if (random.chance(plan.kills)) {
      this.#process?.kill();
      return 'EIO';
    }
    const mayFail = name !== 'closeSync' && name !== 'watch';
    return mayFail && random.chance(plan.errors)
      ? random.pick(['EIO', 'ENOSPC', 'ESTALE', 'EMFILE'])
      : undefined;
  }

  #stepClient(steps = 1): void {
    const client = this.#clients.length > 0 ? this.#random.pick(this.#clients) : undefined;
    for (let i = 0; client !== undefined && i < steps; i += 1) this.#advance(client);
  }

  #advance(client: Client): void {
    if (this.#isClientRunning) return;
    this.#isClientRunning = true;
    const { done, value } = client.steps.next();
    this.#isClientRunning = false;
    if (done === true) this.#clients = this.#clients.filter((other) => other !== client);
    const { nowNs } = this.#clock;
    client.wakeNs = nowNs + (value?.restMs ?? 0) * MS;
    client.dueNs = value?.withinMs === undefined ? Infinity : nowNs + value.withinMs * MS;
    this.#clock.pass(this.#random.between(1000, 30_000));
  }

  /** Time passes, but not so much that a client would be too late. */
  #pass(ns: number): void {
    for (const client of this.#clients) {
      if (client.dueNs <= this.#clock.nowNs + ns) this.#advance(client);
    }
    this.#clock.pass(ns);
  }

  #passUntilSomethingIsDue(): void {
    const { nowNs, nextDueNs } = this.#clock;
    const wakes = this.#clients.map(({ wakeNs }) => wakeNs).filter((ns) => ns > nowNs);
    const ns = Math.min(nextDueNs, ...wakes) - nowNs;
    this.#pass(Number.isFinite(ns) ? ns : MS);
  }
}
