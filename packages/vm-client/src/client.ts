import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import {
  encodeVmDirectoryName,
  type Identity,
  INT32_MAX,
  INT32_MIN,
  PLAIN_SLOT,
  printable,
  type Slot,
} from '@vgpu/protocol';
import { type Channel, openChannel } from './channel.js';
import { VgpuError } from './errors.js';
import { type Answered, Exchange } from './exchange.js';
import { Interruption } from './interruption.js';
import { requestLine, sumIn } from './lines.js';
import {
  type CallOptions,
  checkOptions,
  checkPriority,
  checkTimeout,
  type ClientOptions,
} from './options.js';
import { inPlainSlot } from './plain-slot-lock.js';
import { Turns } from './turns.js';

/** Two vectors of the same length, to be added element by element as int32. */
export interface Operands {
  /** The first vector. */
  readonly a: Int32Array;
  /** The second one, as long as the first. */
  readonly b: Int32Array;
}

/** A sum, and how it came. */
export interface Reply {
  /** As long as the operands; wraps like int32. */
  readonly sum: Int32Array;
  /** The id of the slot that was used; `.`, which no id can be, for the plain one. */
  readonly slot: string;
  /** From sending the request until its answer was read, in milliseconds. */
  readonly waitMs: number;
}

/** The directory and its watch stay open for this long without a call: opening them takes longer. */
const LINGER_MS = 1000;

/**
 * Adds numbers on the GPU of the host, through the files of this VM's directory. Any number of
 * calls may be under way at once. An idle client does not keep the process alive.
 *
 * @example
 * ```ts
 * import { VgpuClient } from '@vgpu/vm-client';
 *
 * const client = new VgpuClient({ root: '/mnt/vgpu', vmId: 7 });
 * const sums = await Promise.all([client.add(1, 2), client.add(3, 4, { priority: 2 })]);
 * console.log(sums.join(' ')); // 3 7
 * await client.close();
 * ```
 */
export class VgpuClient {
  readonly #identity: Identity;
  readonly #directory: string;
  readonly #timeoutMs: number;
  readonly #turns: Turns | undefined;
  readonly #openChannel: (directory: string) => Promise<Channel>;
  readonly #calls = new Map<Interruption, Promise<unknown>>();
  #channel: Promise<Channel> | undefined;
  #linger: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * Looks at no file: what is wrong with the share shows in the first call.
   *
   * @param options Which VM this is, and how its calls are made.
   * @param open Stands in for the opening of the VM's directory in tests. Internal.
   * @throws VgpuError `INVALID_OPTION`.
   */
  constructor(options: ClientOptions, open: (directory: string) => Promise<Channel> = openChannel) {
    const { root, vmId, pool, priority, timeoutMs, plain } = checkOptions(options);
    this.#identity = { pool, priority, vm: vmId };
    this.#directory = resolve(root, encodeVmDirectoryName(vmId));
    this.#timeoutMs = timeoutMs;
    this.#turns = plain ? new Turns() : undefined;
    this.#openChannel = open;
  }

  /**
   * Adds two int32 on the device; the sum wraps like an int32.
   *
   * @param a An int32 integer.
   * @param b Another one.
   * @param options What holds for this call alone.
   * @throws VgpuError `OUT_OF_RANGE` where an operand is no int32, and what {@link request} throws.
   */
  async add(a: number, b: number, options?: CallOptions): Promise<number> {
    const reply = await this.request({ a: scalar('a', a), b: scalar('b', b) }, options);
    const [sum = 0] = reply.sum;
    return sum;
  }

  /**
   * Adds two vectors of int32 on the device, element by element.
   *
   * @param a One vector, with one number at least.
   * @param b The other one, as long.
   * @param options What holds for this call alone.
   * @throws VgpuError What {@link request} throws.
   */
  async addVectors(a: Int32Array, b: Int32Array, options?: CallOptions): Promise<Int32Array> {
    const { sum } = await this.request({ a, b }, options);
    return sum;
  }

  /**
   * Adds two vectors like {@link addVectors}, and also says how the answer came.
   *
   * @param operands Two vectors of the same length, one number at least.
   * @param options What holds for this call alone.
   * @throws RequestRejectedError with the code that the mediator answered.
   * @throws VgpuError with every other {@link FailureCode} but those of the command line. Where the
   *   operands can't be sent, nothing has been written.
   */
  async request({ a, b }: Operands, options: CallOptions = {}): Promise<Reply> {
    const { signal, timeoutMs = this.#timeoutMs, priority = this.#identity.priority } = options;
    checkTimeout(timeoutMs);
    if (priority !== this.#identity.priority) checkPriority(priority);
    const line = requestLine({ ...this.#identity, priority, a, b });
    if (this.#closed) throw closed();

    const slot = this.#turns === undefined ? newSlot() : PLAIN_SLOT;
    const interruption = new Interruption({ timeoutMs, signal, directory: this.#directory });
    const call = interruption.limit(this.#exchange(line, slot, interruption));
    this.#calls.set(interruption, call);
    try {
      const { line: answer, waitMs } = await call;
      const sum = sumIn(answer, a.length);
      return { sum, slot: slot.kind === 'named' ? slot.id : '.', waitMs };
    } finally {
      interruption.dispose();
      this.#calls.delete(interruption);
      if (this.#calls.size === 0) this.#rest();
    }
  }

  /**
   * Withdraws the requests of all calls under way, which reject with `CLOSED`, and lets go of the
   * share. Resolves when that is done.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const interruption of this.#calls.keys()) interruption.interrupt(closed());
    await Promise.allSettled(this.#calls.values());
    this.#letGo();
  }

  #exchange(line: string, slot: Slot, interruption: Interruption): Promise<Answered> {
    const exchange = () =>
      this.#current().then((channel) => new Exchange(channel, slot, interruption).run(line));
    if (this.#turns === undefined) return exchange();
    return this.#turns.take(() => inPlainSlot(this.#directory, exchange), interruption);
  }

  /** The channel to the directory that has the name now. */
  async #current(): Promise<Channel> {
    const opening = this.#open();
    const channel = await opening;
    if (!(await channel.isReplaced())) return channel;
    if (this.#channel === opening) this.#letGo();
    return this.#open();
  }

  #open(): Promise<Channel> {
    if (this.#channel === undefined) {
      const opening = this.#openChannel(this.#directory);
      opening.catch(() => {
        // The next call may find the share mounted.
        if (this.#channel === opening) this.#channel = undefined;
      });
      this.#channel = opening;
    }
    return this.#channel;
  }

  /** One timer for all rests that follow each other: restarting it is cheaper than making another. */
  #rest(): void {
    if (this.#closed) return;
    this.#linger ??= setTimeout(() => {
      if (this.#calls.size === 0) this.#letGo();
    }, LINGER_MS).unref();
    this.#linger.refresh();
  }

  /** Does not wait for a share that hangs while it is being opened: it is closed when it opens. */
  #letGo(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined; // A timer that was cleared can't be restarted.
    this.#channel?.then((channel) => {
      channel.close();
    }, ignore);
    this.#channel = undefined;
  }
}

/**
 * An id is never used again, so a late answer can't be taken for another's. Node draws the random
 * bits of UUIDs in advance, 128 at a time.
 */
const newSlot = (): Slot => ({ kind: 'named', id: randomUUID() });

const closed = () => new VgpuError('CLOSED', 'the client was closed; make a new one');

const ignore = () => undefined;

function scalar(name: string, value: number): Int32Array {
  if (Number.isInteger(value) && value >= INT32_MIN && value <= INT32_MAX) {
    return Int32Array.of(value);
  }
  throw new VgpuError(
    'OUT_OF_RANGE',
    `${name}: expected a whole number from ${INT32_MIN} to ${INT32_MAX}, ` +
      `got ${printable(String(value))}`,
  );
}
