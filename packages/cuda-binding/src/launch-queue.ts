import type { Addition, ScalarAddition, VectorAddition } from './addition.js';
import { CudaError, type CudaFailure } from './cuda-error.js';
import type { DeviceError } from './device-error.js';
import { errorOf, type NativeAddon, type NativeFailure, type OpenedDevice } from './native.js';
import { SCRATCH_LENGTH, type Scratch } from './scratch.js';

/**
 * How long the event loop looks for a result before a thread waits for it instead, milliseconds. The
 * wake-up of a thread costs some 50 microseconds, many times what a small addition takes.
 */
const LOOKING_MS = 2;
/** The clock is read once in so many looks. */
const LOOKS_PER_CLOCK = 16;

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
  /** Those in the pipeline, by ticket: their arrays must live until it lets them go. */
  readonly #staged = new Map<number, VectorAddition>();
  #lastTicket = 0;
  #ticketsInUse = 0;

  #isLaunchDue = false;
  #isLooking = false;
  #isWaiting = false;
  #looks = 0;
  #firstLookMs = 0;
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
      this.#advance();
    });
  }

  /** Resolves when nothing is in flight; the last word to the queue. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#advance();
    });
  }

  /** The pipeline has let an addition go. */
  finishStaged(ticket: number, failure: NativeFailure | null): void {
    const addition = this.#staged.get(ticket);
    this.#staged.delete(ticket);
    if (addition !== undefined) {
      addition.course = 'done';
      if (failure !== null) this.#fail(failure, addition);
    }
    this.#advance();
  }

  /** The one place from which things go on. */
  #advance(): void {
    this.#settle();
    // What settles makes room for more.
    do this.#launch();
    while (this.#settle());
    const oldest = this.#oldest;
    if (oldest === undefined) {
      if (this.#staged.size === 0) this.#onIdle?.();
    } else if (!this.#isLooking && !this.#isWaiting && !isStaged(oldest)) {
      this.#looks = 0;
      this.#lookLater();
    }
  }

  #lookLater(): void {
    this.#isLooking = true;
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    this.#isLooking = false;
    const oldest = this.#oldest;
    if (oldest === undefined || isStaged(oldest) || this.#isDone(oldest)) this.#advance();
    else if (this.#mayLookAgain()) this.#lookLater();
    else this.#waitFor(oldest);
  };

  #mayLookAgain(): boolean {
    this.#looks += 1;
    if (this.#looks % LOOKS_PER_CLOCK !== 0) return true;
    const nowMs = performance.now();
    if (this.#looks === LOOKS_PER_CLOCK) this.#firstLookMs = nowMs;
    return nowMs - this.#firstLookMs < LOOKING_MS;
  }

  /** Has a thread wait; it also learns of faults, which write no ticket. */
  #waitFor(addition: Addition): void {
    this.#isWaiting = true;
    this.#addon.wait(this.#opened.handle, (failure) => {
      this.#isWaiting = false;
      if (failure !== null) this.#lose(failure);
      else if (this.#oldest === addition && !this.#isDone(addition)) this.#lose(NO_COMPLETION);
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
    const { slot, call, course } = addition;
    try {
      if (slot !== undefined) {
        const result = slot.out.subarray(0, call.a.length);
        if (call.out === undefined) addition.out = result.slice();
        else call.out.set(result);
        this.scratch?.release(slot, result.length);
      } else if (call.out !== undefined && call.out !== addition.out) {
        call.out.set(addition.out ?? []);
      }
      // Nanoseconds, unsigned.
      const deviceTimeNs = course === 'launched' ? this.#takeValue(addition) >>> 0 : undefined;
      if (deviceTimeNs !== undefined) call.onDeviceTime?.(deviceTimeNs / 1e6);
      call.resolve(call.out ?? addition.out ?? new Int32Array(0));
    } catch (error) {
      // The memory of a result is missing, or gone since, or `onDeviceTime` threw.
      call.reject(error);
    }
  }

  #reject(addition: Addition, error: DeviceError): void {
    if (addition.isScalar) {
      addition.reject(error);
      return;
    }
    const { slot, a, call } = addition;
    // On a lost device a kernel may still be at work there: then the slot is given up.
    if (slot !== undefined && this.#failure === undefined) this.scratch?.release(slot, a.length);
    call.reject(error);
  }

  #launch(): void {
    for (let addition; (addition = this.#unlaunched) !== undefined;) {
      const room = this.#addon.ringCapacity - this.#ticketsInUse;
      if (room === 0) return;
      if (addition.isScalar) this.#launchScalars(addition, room);
      else if (!this.#launchVector(addition)) return;
    }
  }

  /** Launches as many scalars as follow each other and fit. */
  #launchScalars(first: ScalarAddition, room: number): void {
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
    const failure = this.#addon.launchBatch(this.#opened.handle);
    // What is to be added stands nowhere once it is on its way.
    batch.fill(0);
    if (failure === null) return;
    let failed: Addition | undefined = first;
    for (; failed !== undefined && failed !== addition; failed = failed.next) {
      this.#fail(failure, failed);
    }
  }

  /** False if it has to wait for a place in the scratch memory. */
  #launchVector(addition: VectorAddition): boolean {
    const { length } = addition.a;
    if (length === 0) {
      addition.out ??= new Int32Array(0);
      addition.course = 'done';
    } else if (this.#isPinned(addition)) {
      this.#add(addition, addition.a, addition.b, addition.out ?? addition.a);
    } else if (length <= SCRATCH_LENGTH && this.scratch !== undefined) {
      const slot = this.scratch.take(addition.a, addition.b);
      if (slot === undefined) return false;
      addition.slot = slot;
      this.#add(addition, slot.a, slot.b, slot.out);
    } else {
      addition.useFixedMemory();
      this.#add(addition, addition.a, addition.b, (addition.out ??= new Int32Array(length)));
    }
    this.#unlaunched = addition.next;
    return true;
  }

  #add(addition: VectorAddition, a: Int32Array, b: Int32Array, out: Int32Array): void {
    addition.ticket = this.#takeTicket();
    const ticket = addition.ticket | 0;
    const { handle } = this.#opened;
    const outcome = this.#addon.add(handle, a, b, out, addition.a.length, ticket);
    if (outcome === true) {
      addition.course = 'launched';
    } else if (outcome === false) {
      addition.course = 'staged';
      this.#staged.set(ticket, addition);
    } else {
      this.#fail(outcome, addition);
    }
  }

  #isPinned({ a, b, out }: VectorAddition): boolean {
    if (out === undefined || !this.pinned.has(out.buffer)) return false;
    return this.pinned.has(a.buffer) && this.pinned.has(b.buffer);
  }

  #takeTicket(): number {
    this.#ticketsInUse += 1;
    return (this.#lastTicket += 1);
  }

  #fail(failure: NativeFailure, addition: Addition): void {
    const error = this.#errorOf(failure);
    if (error instanceof CudaError && error.isDeviceLost) this.#lose(failure);
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

function isStaged(addition: Addition): boolean {
  return !addition.isScalar && addition.course === 'staged';
}
