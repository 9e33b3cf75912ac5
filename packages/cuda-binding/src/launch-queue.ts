import type { Addition, ScalarAddition, VectorAddition } from './addition.js';
import { CompletionRing } from './completion-ring.js';
import type { CudaFailure } from './cuda-error.js';
import { DeviceError, operandsChanged } from './device-error.js';
import {
  errorOf,
  LaunchOutcome,
  type NativeAddon,
  type NativeFailure,
  type OpenedDevice,
} from './native.js';
import { PollSchedule } from './poll-schedule.js';
import { SCRATCH_LENGTH, type Scratch } from './scratch.js';

/** From this size on, results are in memory of the addon, which reuses it. */
const LONG_RESULT_BYTES = 2 ** 20;

/** Where the fields of `vgpu_batch` are (kernels/kernel_interface.h), in int32. */
const FIRST_TICKET = 0;
const COUNT = 1;
const OPERANDS = 2;

const RESOLVED = Promise.resolve();

/**
 * The additions of one device, from the call to its settling.
 *
 * Calls form a list, oldest first. New ones are launched at the end of the turn, in a microtask:
 * scalars that follow each other share a launch; a vector has one of its own, or goes through the
 * native pipeline if it is long and not in pinned memory. The device reports the end of a launch by
 * writing its ticket into pinned memory. While one is in flight, each turn of the event loop polls
 * that memory; if that takes too long, a thread waits instead. Calls settle in their order, in
 * whatever order they are done.
 *
 * A failure that leaves the device usable is the error of the calls concerned. Any other is that of
 * all calls, and the queue takes no more.
 */
export class LaunchQueue {
  /** The buffers that the device reaches by itself. */
  readonly pinned = new WeakSet<ArrayBufferLike>();
  /** For short vectors in ordinary memory; without it they go through the pipeline. */
  scratch: Scratch | undefined;

  readonly #addon: NativeAddon;
  readonly #opened: OpenedDevice;
  readonly #ring: CompletionRing;
  readonly #batch: Int32Array;

  /** The calls that have not settled; `#unlaunched` and those after it have not begun. */
  #oldest: Addition | undefined;
  #newest: Addition | undefined;
  #unlaunched: Addition | undefined;
  #inPipeline = 0;
  #lastTicket = 0;
  #ticketsInUse = 0;

  readonly #schedule = new PollSchedule();
  #isLaunchDue = false;
  #isPolling = false;
  #isWaiting = false;
  #failure: NativeFailure | undefined;
  #onIdle: (() => void) | undefined;

  constructor(addon: NativeAddon, opened: OpenedDevice) {
    this.#addon = addon;
    this.#opened = opened;
    this.#ring = new CompletionRing(opened.completions, addon.ringCapacity);
    this.#batch = new Int32Array(opened.batch);
  }

  /** Why the device can't be used any more. */
  get failure(): NativeFailure | undefined {
    return this.#failure;
  }

  /** Something else failed on this device. If it is lost, all calls in flight fail. */
  reportFailure(failure: NativeFailure): void {
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
      // Additions that are done already settle in the next turn. If they did here, calls made by
      // their callers would keep the event loop in microtasks without end.
      this.#ensurePolling();
    });
  }

  /** Resolves when nothing is in flight. Nothing may be pushed after it. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      // Later, because this may be called while others settle.
      setImmediate(() => {
        this.#advance();
      });
    });
  }

  /** The pipeline no longer uses the arrays of an addition. */
  #finishStaged(addition: VectorAddition, failure: NativeFailure | null): void {
    this.#inPipeline -= 1;
    if (failure !== null) this.#fail(failure, addition);
    addition.course = 'done';
    this.#advance();
  }

  /** Settles and launches all additions that can be, and polls for the rest. Not while one settles. */
  #advance(): void {
    this.#settle();
    // Additions that settle make room for more.
    do this.#launch();
    while (this.#settle());
    if (this.#oldest === undefined && this.#inPipeline === 0) this.#onIdle?.();
    this.#ensurePolling();
  }

  /** Ensures that the end of the oldest addition is noticed. */
  #ensurePolling(): void {
    const oldest = this.#oldest;
    // The pipeline reports by itself.
    if (oldest === undefined || this.#isPolling || this.#isWaiting || isStaged(oldest)) return;
    this.#isPolling = true;
    if (oldest.isScalar) this.#schedule.begin(this.#poll);
    else this.#schedule.begin(this.#poll, oldest.length, oldest.launchedMs);
  }

  readonly #poll = (): void => {
    const oldest = this.#oldest;
    this.#isPolling = false;
    if (oldest === undefined || isStaged(oldest) || this.#isDone(oldest)) {
      this.#advance();
      return;
    }
    if (oldest === this.#unlaunched) this.#launch();
    if (this.#schedule.goOn(this.#poll)) this.#isPolling = true;
    else this.#waitFor(oldest);
  };

  /**
   * Has a thread wait for all launches so far, and before that for memory that is being registered. It
   * also learns of faults, after which no ticket is written.
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
    return addition.ticket !== 0 && this.#ring.has(addition.ticket);
  }

  /** Settles the additions that are done, up to the first that is not; false if none was. */
  #settle(): boolean {
    let hasSettled = false;
    for (let addition; (addition = this.#oldest) !== undefined && this.#isDone(addition);) {
      hasSettled = true;
      this.#oldest = addition.next;
      if (this.#oldest === undefined) this.#newest = undefined;
      if (addition.ticket !== 0) this.#ticketsInUse -= 1;
      if (addition.error !== undefined) this.#reject(addition, addition.error);
      else if (addition.isScalar) addition.resolve(this.#ring.take(addition.ticket));
      else this.#resolve(addition);
    }
    return hasSettled;
  }

  #resolve(addition: VectorAddition): void {
    const { slot, call, length, ticket } = addition;
    // Nanoseconds, unsigned.
    const ms = addition.course === 'launched' ? (this.#ring.take(ticket) >>> 0) / 1e6 : undefined;
    if (ms !== undefined) this.#schedule.learn(length, ms);
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
    // On a lost device a kernel may still use the slot, which is then not used again.
    if (slot !== undefined && this.#failure === undefined) this.scratch?.release(slot, length);
    call.reject(error);
  }

  #launch(): void {
    for (let addition; (addition = this.#unlaunched) !== undefined;) {
      const room = this.#addon.ringCapacity - this.#ticketsInUse;
      if (room === 0) return;
      // Both advance `#unlaunched` before they launch: a loss of the device clears it.
      const isLaunched = addition.isScalar
        ? this.#launchScalars(addition, room)
        : this.#launchVector(addition);
      if (!isLaunched) {
        this.#unlaunched = addition;
        return;
      }
    }
  }

  /** Launches the scalars that follow each other, as far as they fit. False: to be tried later. */
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
    // The launch has copied the operands, so nothing has to keep them here.
    batch.fill(0);
    if (outcome === LaunchOutcome.launched) return true;
    let one: Addition | undefined = first;
    for (; one !== undefined && one !== addition; one = one.next) {
      if (outcome === LaunchOutcome.busy) this.#returnTicket(one);
      else this.#fail(outcome, one);
    }
    return outcome !== LaunchOutcome.busy;
  }

  /** False: to be tried later, when the scratch memory has a slot or no memory is being registered. */
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

  /** The content is undefined: the addition overwrites all of it. */
  #newResult(length: number): Int32Array {
    const bytes = length * Int32Array.BYTES_PER_ELEMENT;
    if (bytes >= LONG_RESULT_BYTES) {
      const memory = this.#addon.newResult(this.#opened.handle, bytes);
      if (memory instanceof ArrayBuffer) return new Int32Array(memory);
    }
    return new Int32Array(length);
  }

  /** False: to be tried later. */
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
    if (outcome === LaunchOutcome.launched) {
      addition.course = 'launched';
    } else if (outcome === LaunchOutcome.staged) {
      addition.course = 'staged';
      this.#inPipeline += 1;
    } else if (outcome === LaunchOutcome.busy) {
      this.#returnTicket(addition);
    } else {
      this.#fail(outcome, addition);
    }
    return outcome !== LaunchOutcome.busy;
  }

  #isPinned({ a, b, out }: VectorAddition): boolean {
    if (out === undefined || !this.pinned.has(out.buffer)) return false;
    return this.pinned.has(a.buffer) && this.pinned.has(b.buffer);
  }

  #takeTicket(): number {
    this.#ticketsInUse += 1;
    return (this.#lastTicket += 1);
  }

  /** For an addition that was not launched after all; its ticket is among the last taken. */
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
