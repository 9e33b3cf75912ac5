import type { Addition, ScalarAddition, VectorAddition } from './addition.js';
import type { CudaFailure } from './cuda-error.js';
import { DeviceError, operandsChanged } from './device-error.js';
import { errorOf, type NativeAddon, type NativeFailure, type OpenedDevice } from './native.js';
import { SCRATCH_LENGTH, type Scratch } from './scratch.js';
import { Watch } from './watch.js';

/** Results from here on come from the addon, which has memory that was used before. */
const LONG_RESULT_BYTES = 2 ** 20;

/** Where the fields of `vgpu_batch` are (kernels/kernel_interface.h), in int32. */
const FIRST_TICKET = 0;
const COUNT = 1;
const OPERANDS = 2;

const RESOLVED = Promise.resolve();

/**
 * The additions of one device, from the call to its settling.
 *
 * Calls form a list, oldest first. What is new in it is launched at the end of the turn, in a
 * microtask: scalars that follow each other share a launch; a vector has one of its own, or goes
 * through the native pipeline if it is long and not in pinned memory. The device reports the end of
 * a launch by writing its ticket into pinned memory. As long as one is in flight, each turn of the
 * event loop looks there; if that goes on for too long, a thread waits instead. The oldest call
 * settles first, whatever is done first.
 *
 * A failure that leaves the device usable is the error of the calls concerned. Any other is that of
 * all calls, and the queue takes no more.
 */
export class LaunchQueue {
  /** The buffers that the device reaches by itself. */
  readonly pinned = new WeakSet<ArrayBufferLike>();
  /** For short vectors elsewhere; without it they take the way of the long ones. */
  scratch: Scratch | undefined;

  readonly #addon: NativeAddon;
  readonly #opened: OpenedDevice;
  /** For each ticket, modulo its capacity, two int32: the value, and then the ticket. */
  readonly #ring: Int32Array;
  readonly #batch: Int32Array;

  /** The calls that have not settled; `#unlaunched` and those after it have not begun. */
  #oldest: Addition | undefined;
  #newest: Addition | undefined;
  #unlaunched: Addition | undefined;
  #inPipeline = 0;
  #lastTicket = 0;
  #ticketsInUse = 0;

  readonly #watch = new Watch();
  #isLaunchDue = false;
  #isLooking = false;
  #isWaiting = false;
  #failure: NativeFailure | undefined;
  #onIdle: (() => void) | undefined;

  constructor(addon: NativeAddon, opened: OpenedDevice) {
    this.#addon = addon;
    this.#opened = opened;
    this.#ring = new Int32Array(opened.completions);
    this.#batch = new Int32Array(opened.batch);
  }

  /** Why the device can't be used any more. */
  get failure(): NativeFailure | undefined {
    return this.#failure;
  }

  /** Something else failed on this device; if that is fatal, so it is for all that is in flight. */
  notice(failure: NativeFailure): void {
    const error = this.#errorOf(failure);
    if (!error.isDeviceLost) return;
    this.#lose(failure);
    this.#advance();
  }

  /** Only while there is no `failure`. */
  push(addition: Addition): void {
    if (this.#newest === undefined) this.#oldest = addition;
    else this.#newest.next = addition;
    this.#newest = addition;
    this.#unlaunched ??= addition;
    if (this.#isLaunchDue) return;
    this.#isLaunchDue = true;
    // Not queueMicrotask(), which costs several times as much.
    void RESOLVED.then(() => {
      this.#isLaunchDue = false;
      this.#launch();
      // What is done already settles in the next turn. Here, calls that are made when others settle
      // would follow each other in microtasks for ever, and nothing else would have a turn.
      this.#lookOn();
    });
  }

  /** Resolves when nothing is in flight; the last word to the queue. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      // Later, because this may be called while others settle.
      setImmediate(() => {
        this.#advance();
      });
    });
  }

  /** The pipeline has let an addition go, and the arrays that its callback kept alive. */
  #finishStaged(addition: VectorAddition, failure: NativeFailure | null): void {
    this.#inPipeline -= 1;
    if (failure !== null) this.#fail(failure, addition);
    addition.course = 'done';
    this.#advance();
  }

  /** Settles what is done, launches what can be, and looks on. Not while something settles. */
  #advance(): void {
    this.#settle();
    // What settles makes room for more.
    do this.#launch();
    while (this.#settle());
    if (this.#oldest === undefined && this.#inPipeline === 0) this.#onIdle?.();
    this.#lookOn();
  }

  /** Sees to it that the end of the oldest addition will be seen. */
  #lookOn(): void {
    const oldest = this.#oldest;
    // The pipeline reports by itself.
    if (oldest === undefined || this.#isLooking || this.#isWaiting || isStaged(oldest)) return;
    this.#isLooking = true;
    if (oldest.isScalar) this.#watch.begin(this.#look);
    else this.#watch.begin(this.#look, oldest.length, oldest.launchedMs);
  }

  readonly #look = (): void => {
    const oldest = this.#oldest;
    this.#isLooking = false;
    if (oldest === undefined || isStaged(oldest) || this.#isDone(oldest)) {
      this.#advance();
      return;
    }
    if (oldest === this.#unlaunched) this.#launch();
    if (this.#watch.goOn(this.#look)) this.#isLooking = true;
    else this.#waitFor(oldest);
  };

  /**
   * Has a thread wait for what was launched, after memory is registered if that is under way. It also
   * learns of faults, which write no ticket.
   */
  #waitFor(addition: Addition): void {
    const isLaunched = addition !== this.#unlaunched;
    this.#isWaiting = true;
    this.#addon.wait(this.#opened.handle, (failure) => {
      this.#isWaiting = false;
      if (failure !== null) this.#fail(failure, addition);
      else if (isLaunched && this.#oldest === addition && !this.#isDone(addition)) {
        this.#lose(NO_COMPLETION);
      }
      this.#advance();
    });
  }

  #isDone(addition: Addition): boolean {
    if (addition.error !== undefined) return true;
    if (!addition.isScalar && addition.course !== 'launched') return addition.course === 'done';
    const { ticket } = addition;
    // Atomically, so that the value, which was written no later, is not read before.
    return ticket !== 0 && Atomics.load(this.#ring, this.#wordOf(ticket) + 1) === (ticket | 0);
  }

  /** Where the value of a ticket is in the ring; the ticket stands after it. */
  #wordOf(ticket: number): number {
    return 2 * (ticket & (this.#addon.ringCapacity - 1));
  }

  /** Settles what is done, up to the first that is not; says whether there was any. */
  #settle(): boolean {
    let hasSettled = false;
    for (let addition; (addition = this.#oldest) !== undefined && this.#isDone(addition);) {
      hasSettled = true;
      this.#oldest = addition.next;
      if (this.#oldest === undefined) this.#newest = undefined;
      if (addition.ticket !== 0) this.#ticketsInUse -= 1;
      if (addition.error !== undefined) this.#reject(addition, addition.error);
      else if (addition.isScalar) addition.resolve(this.#takeValue(addition));
      else this.#resolve(addition);
    }
    return hasSettled;
  }

  /** Reads a completion word's value, and leaves none behind. */
  #takeValue({ ticket }: Addition): number {
    const word = this.#wordOf(ticket);
    const value = this.#ring[word] ?? 0;
    this.#ring[word] = 0;
    return value;
  }

  #resolve(addition: VectorAddition): void {
    const { slot, call, length } = addition;
    // Nanoseconds, unsigned.
    const ms = addition.course === 'launched' ? (this.#takeValue(addition) >>> 0) / 1e6 : undefined;
    if (ms !== undefined) this.#watch.learn(length, ms);
    try {
      const result = slot?.out.subarray(0, length) ?? addition.out ?? new Int32Array(0);
      let sum = call.out;
      if (sum === undefined) sum = slot === undefined ? result : result.slice();
      else if (sum.length !== length) throw operandsChanged();
      else if (sum !== result) sum.set(result);
      if (ms !== undefined) call.onDeviceTime?.(ms);
      call.resolve(sum);
    } catch (error) {
      call.reject(error instanceof RangeError ? outOfMemory(error) : error);
    } finally {
      if (slot !== undefined) this.scratch?.release(slot, length);
    }
  }

  #reject(addition: Addition, error: DeviceError): void {
    if (addition.isScalar) {
      addition.reject(error);
      return;
    }
    const { slot, length, call } = addition;
    // On a lost device a kernel may still be at work there: then the slot is given up.
    if (slot !== undefined && this.#failure === undefined) this.scratch?.release(slot, length);
    call.reject(error);
  }

  #launch(): void {
    for (let addition; (addition = this.#unlaunched) !== undefined;) {
      const room = this.#addon.ringCapacity - this.#ticketsInUse;
      if (room === 0) return;
      // Advanced before it is launched: if the device is lost in doing so, nothing else is to be.
      const isLaunched = addition.isScalar
        ? this.#launchScalars(addition, room)
        : this.#launchVector(addition);
      if (!isLaunched) {
        this.#unlaunched = addition;
        return;
      }
    }
  }

  /** Launches as many scalars as follow each other and fit. False if that is to be tried later. */
  #launchScalars(first: ScalarAddition, room: number): boolean {
    const batch = this.#batch;
    const capacity = this.#addon.batchCapacity;
    const limit = Math.min(room, capacity);
    let count = 0;
    let addition: Addition | undefined = first;
    batch[FIRST_TICKET] = this.#lastTicket + 1;
    for (; count < limit && addition?.isScalar; addition = addition.next) {
      addition.ticket = this.#takeTicket();
      batch[OPERANDS + count] = addition.a;
      batch[OPERANDS + capacity + count] = addition.b;
      count += 1;
    }
    batch[COUNT] = count;
    this.#unlaunched = addition;
    const outcome = this.#addon.launchBatch(this.#opened.handle);
    // What is to be added stands nowhere once it is on its way.
    batch.fill(0);
    if (outcome === null) return true;
    let one: Addition | undefined = first;
    for (; one !== undefined && one !== addition; one = one.next) {
      if (outcome === false) this.#returnTicket(one);
      else this.#fail(outcome, one);
    }
    return outcome !== false;
  }

  /** False if it has to wait, for a place in the scratch memory or while memory is registered. */
  #launchVector(addition: VectorAddition): boolean {
    const { length } = addition;
    this.#unlaunched = addition.next;
    if (addition.a.length !== length || addition.b.length !== length) {
      addition.error = operandsChanged();
      return true;
    }
    if (length === 0) {
      addition.course = 'done';
      return true;
    }
    if (this.#isPinned(addition)) {
      return this.#add(addition, addition.a, addition.b, addition.out ?? addition.a);
    }
    if (length > SCRATCH_LENGTH || this.scratch === undefined) return this.#stage(addition);
    const slot = this.scratch.take(addition.a, addition.b);
    if (slot === undefined) return false;
    addition.slot = slot;
    if (this.#add(addition, slot.a, slot.b, slot.out)) return true;
    addition.slot = undefined;
    this.scratch.release(slot, length);
    return false;
  }

  #stage(addition: VectorAddition): boolean {
    try {
      addition.useFixedMemory();
      addition.out ??= this.#newResult(addition.length);
    } catch (error) {
      addition.error = outOfMemory(error);
      return true;
    }
    return this.#add(addition, addition.a, addition.b, addition.out);
  }

  /** Content is undefined: all of it will be written before anybody sees it. */
  #newResult(length: number): Int32Array {
    const bytes = length * Int32Array.BYTES_PER_ELEMENT;
    if (bytes >= LONG_RESULT_BYTES) {
      const memory = this.#addon.newResult(this.#opened.handle, bytes);
      if (memory instanceof ArrayBuffer) return new Int32Array(memory);
    }
    return new Int32Array(length);
  }

  /** False if that is to be tried later. */
  #add(addition: VectorAddition, a: Int32Array, b: Int32Array, out: Int32Array): boolean {
    if (out.length < addition.length) {
      addition.error = operandsChanged();
      return true;
    }
    addition.ticket = this.#takeTicket();
    addition.launchedMs = performance.now();
    const ticket = addition.ticket | 0;
    const { handle } = this.#opened;
    const outcome = this.#addon.add(handle, a, b, out, addition.length, ticket, (failure) => {
      this.#finishStaged(addition, failure);
    });
    if (outcome === null) {
      this.#returnTicket(addition);
    } else if (outcome === true) {
      addition.course = 'launched';
    } else if (outcome === false) {
      addition.course = 'staged';
      this.#inPipeline += 1;
    } else {
      this.#fail(outcome, addition);
    }
    return outcome !== null;
  }

  #isPinned({ a, b, out }: VectorAddition): boolean {
    if (out === undefined || !this.pinned.has(out.buffer)) return false;
    return this.pinned.has(a.buffer) && this.pinned.has(b.buffer);
  }

  #takeTicket(): number {
    this.#ticketsInUse += 1;
    return (this.#lastTicket += 1);
  }

  /** Of what was not launched after all; the last ones taken. */
  #returnTicket(addition: Addition): void {
    addition.ticket = 0;
    this.#ticketsInUse -= 1;
    this.#lastTicket -= 1;
  }

  #fail(failure: NativeFailure, addition: Addition): void {
    const error = this.#errorOf(failure);
    if (error.isDeviceLost) this.#lose(failure);
    else addition.error = error;
  }

  #lose(failure: NativeFailure): void {
    this.#failure ??= failure;
    this.#unlaunched = undefined;
    for (let addition = this.#oldest; addition !== undefined; addition = addition.next) {
      if (!this.#isDone(addition)) addition.error = this.#errorOf(failure);
    }
  }

  #errorOf(failure: NativeFailure): DeviceError {
    return errorOf(failure, `adding on CUDA device ${this.#opened.device.index}`);
  }
}

const NO_COMPLETION: CudaFailure = {
  operation: 'cuStreamSynchronize',
  status: 999,
  name: 'CUDA_ERROR_UNKNOWN',
  description: 'a kernel ended without reporting it',
};

function outOfMemory(cause: unknown): DeviceError {
  return new DeviceError(
    'OUT_OF_MEMORY',
    'expected memory for the result, but there is none: free some, or give `out`',
    { cause },
  );
}

function isStaged(addition: Addition): boolean {
  return !addition.isScalar && addition.course === 'staged';
}
