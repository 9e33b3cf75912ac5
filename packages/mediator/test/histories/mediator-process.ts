import type { Priority } from '@vgpu/protocol';
import type { Mediator } from '../../src/mediator.js';
import type { MediatorOptions } from '../../src/options.js';
import type { FsCall } from '../support/fake-fs.js';
import { FakeManualAdder } from '../support/fakes.js';
import type { SimulatedClock } from './clock.js';
import { SystemCalls, type SystemCallsOptions } from './system-calls.js';

export interface ProcessOptions extends SystemCallsOptions {
  readonly Mediator: new (options: MediatorOptions) => Mediator;
  readonly settings: Omit<MediatorOptions, 'devices' | 'logger'>;
  readonly devices: number;
  readonly number: number;
  readonly clock: SimulatedClock;
}

const KINDS: Readonly<Record<string, 'queued' | 'on device' | 'finished'>> = {
  'request queued': 'queued',
  'request on the device': 'on device',
  'request finished': 'finished',
  // Because its directory failed: it is requeued later.
  'request left on disk for the next scan': 'finished',
};

/** A mediator from its start to its end, which may come at any system call. */
export class MediatorProcess {
  readonly mediator: Mediator;
  readonly calls: SystemCalls;
  readonly #options: ProcessOptions;
  readonly #devices: FakeManualAdder[] = [];
  #left = 0;
  isDead = false;
  /** A system call has failed. */
  hasFailed = false;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.calls = new SystemCalls({ ...options, before: (call) => this.#before(call) });
    const log =
      (level: string) =>
      (message: string, fields: object = {}) => {
        if (!this.isDead) this.#log(level, message, fields as Record<string, unknown>);
      };
    this.mediator = new options.Mediator({
      ...options.settings,
      devices: Array.from({ length: options.devices }, (_, i) => () => this.#openDevice(i)),
      logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    });
  }

  /** A mediator that cannot start is gone; its supervisor starts another. */
  async start(): Promise<void> {
    this.#tell('started');
    await this.mediator.start().catch((error: unknown) => {
      if (this.isDead) return;
      if (!this.hasFailed) throw error;
      this.kill();
    });
  }

  /** From now on nothing that it does has any effect. */
  kill(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#options.clock.forget();
    this.#tell('killed');
    this.#countUp();
  }

  /** To be called once a mediator that was killed has come to its end. */
  bury(): void {
    this.#options.clock.forget();
    this.calls.closeAll();
  }

  async stop(): Promise<void> {
    while (this.inFlight > 0) this.finishOne();
    await this.mediator.stop();
    this.isDead = true;
    this.#tell('stopped');
    this.#countUp();
  }

  get inFlight(): number {
    return this.#devices.reduce((sum, device) => sum + device.inFlight, 0);
  }

  finishOne(): void {
    const busy = this.#devices.filter((device) => device.inFlight > 0);
    if (busy.length > 0) this.#options.random.pick(busy).finish();
  }

  #openDevice(index: number): Promise<FakeManualAdder> {
    const adder = new FakeManualAdder();
    this.#devices[index] = adder;
    return Promise.resolve(adder);
  }

  /** A kill cannot keep a closed descriptor open. */
  #before(call: FsCall): string | undefined {
    const failure = this.isDead ? 'EIO' : this.#options.before(call);
    if (call.name === 'closeSync') return undefined;
    this.hasFailed ||= failure !== undefined;
    return failure;
  }

  #log(level: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    const { history, clock, number } = this.#options;
    const kind = KINDS[message];
    if (message === 'request finished' || message === 'request rejected') this.#left += 1;
    if (kind === undefined) {
      history.push({
        kind: 'logged',
        mediator: number,
        text: `${level} ${message} ${JSON.stringify(fields)}`,
      });
      return;
    }
    const vm = Number(fields['vm']);
    const read = fields['slot'] === '.' ? this.calls.lastRead.get(vm) : undefined;
    history.push({
      kind,
      mediator: number,
      key: `vm${vm}/${String(fields['slot'])}`,
      priority: fields['priority'] as Priority,
      outcome: fields['outcome'],
      ...(kind === 'queued' &&
        read && { readId: Number(read.text.split(':')[3]), readNs: read.ctimeNs }),
      nowNs: clock.fileTimeNs,
    });
  }

  #countUp(): void {
    const { requests, outcome } = this.mediator.statistics();
    const outcomes = Object.values(outcome).reduce((sum, count) => sum + count, 0);
    this.#options.history.push({ kind: 'statistics', requests, outcomes, logged: this.#left });
  }

  #tell(kind: 'started' | 'killed' | 'stopped'): void {
    this.#options.history.push({ kind, mediator: this.#options.number });
  }
}
