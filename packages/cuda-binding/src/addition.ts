import type { DeviceError } from './device-error.js';
import type { ScratchSlot } from './scratch.js';

/** A call of `addScalar` from its making to its settling. */
export class ScalarAddition {
  readonly isScalar = true;
  readonly a: number;
  readonly b: number;
  readonly resolve: (sum: number) => void;
  readonly reject: (error: unknown) => void;
  /** The number by which the device reports it; 0 until it is launched. */
  ticket = 0;
  /** Why it failed, if it did. */
  error: DeviceError | undefined;
  /** The call after it. */
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

/** A call of `add` from its making to its settling. */
export class VectorAddition {
  readonly isScalar = false;
  readonly call: VectorCall;
  /** Elements of each operand, when the call was made. */
  readonly length: number;
  /** What is really added, and where the sum goes: as in the call, unless that can't be. */
  a: Int32Array;
  b: Int32Array;
  out: Int32Array | undefined;
  /** Where operands and sum are meanwhile, if it takes that way. */
  slot: ScratchSlot | undefined;
  /**
   * - `waiting`: not begun.
   * - `launched`: a single launch, which ends with the completion word of its ticket.
   * - `staged`: in the native pipeline, which calls back.
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
   * Replaces arrays whose memory can be taken away while other threads use it: that of a resizable
   * buffer, which may shrink.
   */
  useFixedMemory(): void {
    if (isResizable(this.a)) this.a = this.a.slice();
    if (isResizable(this.b)) this.b = this.b.slice();
    if (this.out !== undefined && isResizable(this.out)) this.out = new Int32Array(this.length);
  }
}

function isResizable({ buffer }: Int32Array): boolean {
  // From ES2024; a SharedArrayBuffer, which only grows, has no such property.
  return 'resizable' in buffer && buffer.resizable === true;
}

export type Addition = ScalarAddition | VectorAddition;
