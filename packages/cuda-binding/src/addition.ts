import type { DeviceError } from './device-error.js';
import type { ScratchSlot } from './scratch.js';

/** A call of `addScalar`, until it settles. */
export class ScalarAddition {
  readonly isScalar = true;
  readonly a: number;
  readonly b: number;
  readonly resolve: (sum: number) => void;
  readonly reject: (error: unknown) => void;
  /** Identifies it in the report of the device; 0 until it is launched. */
  ticket = 0;
  /** Set if it has failed. */
  error: DeviceError | undefined;
  /** The next call of the queue. */
  next: Addition | undefined;

  constructor(
    a: number,
    b: number,
    resolve: (sum: number) => void,
    reject: (error: unknown) => void,
  ) {
    this.a = a;
    this.b = b;
    this.resolve = resolve;
    this.reject = reject;
  }
}

interface VectorCall {
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly out: Int32Array | undefined;
  readonly onDeviceTime: ((ms: number) => void) | undefined;
  readonly resolve: (sum: Int32Array) => void;
  readonly reject: (error: unknown) => void;
}

/** A call of `add`, until it settles. */
export class VectorAddition {
  readonly isScalar = false;
  readonly call: VectorCall;
  /** Elements of each operand, when the call was made. */
  readonly length: number;
  /** The arrays that are used: those of the call, or copies where those can't be used. */
  a: Int32Array;
  b: Int32Array;
  out: Int32Array | undefined;
  /** Where operands and sum are meanwhile, if it goes through the scratch memory. */
  slot: ScratchSlot | undefined;
  /**
   * - `waiting`: not launched yet. Becomes `launched`, `staged` or, without elements, `done`.
   * - `launched`: a single launch, which ends with the completion word of its ticket.
   * - `staged`: in the native pipeline. Becomes `done` when that calls back.
   * - `done`: ready to settle.
   */
  course: 'waiting' | 'launched' | 'staged' | 'done' = 'waiting';
  ticket = 0;
  /** When it was launched, on the clock of `performance.now()`. */
  launchedMs = 0;
  error: DeviceError | undefined;
  next: Addition | undefined;

  constructor(call: VectorCall) {
    this.call = call;
    this.length = call.a.length;
    this.a = call.a;
    this.b = call.b;
    this.out = call.out;
  }

  /**
   * Replaces arrays of resizable buffers: those can shrink, and so free memory that other threads use.
   */
  useFixedMemory(): void {
    if (isResizable(this.a)) this.a = this.a.slice();
    if (isResizable(this.b)) this.b = this.b.slice();
    if (this.out !== undefined && isResizable(this.out)) this.out = new Int32Array(this.length);
  }
}

function isResizable({ buffer }: Int32Array): boolean {
  // From ES2024. A SharedArrayBuffer, which can only grow, has no such property.
  return 'resizable' in buffer && buffer.resizable === true;
}

export type Addition = ScalarAddition | VectorAddition;
