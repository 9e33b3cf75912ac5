import { CpuVectorAdder } from '../src/index.js';
import type { AddOptions, DeviceInfo } from '../src/index.js';

// Adders that each break one sentence of the contract, to test that the conformance suite notices.

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;

/** Runs on a device without a name. */
export class FakeNamelessAdder extends CpuVectorAdder {
  override readonly device: DeviceInfo = { backend: 'cpu', index: 0, name: '' };
}

/** Stops at the ends of the range. */
export class FakeSaturatingAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    const sum = a.map((value, i) => Math.min(Math.max(value + (b[i] ?? 0), MIN), MAX));
    return super.add(a, b).then(() => sum);
  }

  override addScalar(a: number, b: number) {
    return super.addScalar(a, b).then(() => Math.min(Math.max(a + b, MIN), MAX));
  }
}

/** Adds in single precision, as a kernel for floats would. */
export class FakeFloatAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    const sum = a.map((value, i) => Math.fround(Math.fround(value) + Math.fround(b[i] ?? 0)));
    return super.add(a, b).then(() => sum);
  }

  override addScalar(a: number, b: number) {
    return super.addScalar(a, b).then(() => Math.fround(Math.fround(a) + Math.fround(b)));
  }
}

/** Never computes the last element, like a loop with a wrong bound. */
export class FakeShortSightedAdder extends CpuVectorAdder {
  override async add(a: Int32Array, b: Int32Array) {
    const sum = await super.add(a, b);
    sum.fill(0, -1);
    return sum;
  }
}

/** Has a scratch buffer of a fixed size and drops the rest. */
export class FakeSmallAdder extends CpuVectorAdder {
  override async add(a: Int32Array, b: Int32Array) {
    return (await super.add(a, b)).fill(0, 65_536);
  }
}

/** Refuses to launch over nothing, as CUDA does with an empty grid. */
export class FakeEmptyGridAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    return a.length === 0 ? Promise.reject(new Error('empty grid')) : super.add(a, b);
  }
}

/** Reads every operand from the start of its buffer. */
export class FakeOffsetBlindAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    return super.add(new Int32Array(a.buffer, 0, a.length), new Int32Array(b.buffer, 0, b.length));
  }
}

/** Adds in place, in the memory of the first operand. */
export class FakeInPlaceAdder extends CpuVectorAdder {
  override async add(a: Int32Array, b: Int32Array) {
    a.set(await super.add(a, b));
    return a;
  }
}

/** Returns every result in the same memory. */
export class FakeReusingAdder extends CpuVectorAdder {
  readonly #staging = new Int32Array(2 ** 21);

  override async add(a: Int32Array, b: Int32Array) {
    this.#staging.set(await super.add(a, b));
    return this.#staging.subarray(0, a.length);
  }
}

/** Passes an array that is both operands only once. */
export class FakeDeduplicatingAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    return super.add(a, a === b ? new Int32Array(b.length) : b);
  }
}

/** Settles scalars before the vectors that came earlier. */
export class FakeOvertakingAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    return super
      .add(a, b)
      .then((sum) => new Promise<Int32Array>((resolve) => setImmediate(resolve, sum)));
  }
}

/** Adds as many elements as the shorter vector has. */
export class FakeLenientAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    const length = Math.min(a.length, b.length);
    return super.add(a.subarray(0, length), b.subarray(0, length));
  }
}

/** Makes an int32 of every number. */
export class FakeTruncatingAdder extends CpuVectorAdder {
  override addScalar(a: number, b: number) {
    return super.addScalar(a | 0, b | 0);
  }
}

/** Throws where it should reject. */
export class FakeThrowingAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) throw new TypeError('not a vector');
    return super.add(a, b);
  }
}

/** Rejects with errors that are no DeviceErrors. */
export class FakeUntypedAdder extends CpuVectorAdder {
  override addScalar(a: number, b: number) {
    return super.addScalar(a, b).catch(() => Promise.reject(new Error('failed')));
  }
}

/** Fails every call after one failure. */
export class FakePoisonedAdder extends CpuVectorAdder {
  #poisoned = false;

  override add(a: Int32Array, b: Int32Array) {
    this.#poisoned ||= a.length !== b.length;
    return this.#poisoned ? Promise.reject(new Error('poisoned')) : super.add(a, b);
  }
}

/** Closes without waiting. */
export class FakeHastyAdder extends FakeOvertakingAdder {
  override close() {
    void super.close();
    return Promise.resolve();
  }
}

/** Serves until it has closed, and not only until close() was called. */
export class FakeTardyAdder extends CpuVectorAdder {
  override async close() {
    await new Promise((resolve) => setImmediate(resolve));
    await super.close();
  }
}

/** Never closes. */
export class FakeImmortalAdder extends CpuVectorAdder {
  override close() {
    return Promise.resolve();
  }
}

/** Can't be closed twice. */
export class FakeFragileAdder extends CpuVectorAdder {
  #closed = false;

  override close() {
    if (this.#closed) return Promise.reject(new Error('closed already'));
    this.#closed = true;
    return super.close();
  }
}

/** Ignores the options. */
export class FakeStubbornAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array) {
    return super.add(a, b);
  }
}

/** Clears the result before it adds into it, also where it is an operand. */
export class FakeClearingAdder extends CpuVectorAdder {
  override add(a: Int32Array, b: Int32Array, options: AddOptions = {}) {
    if (options.out?.length === a.length) options.out.fill(0);
    return super.add(a, b, options);
  }
}

/** Writes results in blocks of four, past the end of a view. */
export class FakeBlockwiseAdder extends CpuVectorAdder {
  override async add(a: Int32Array, b: Int32Array, options: AddOptions = {}) {
    const sum = await super.add(a, b, options);
    const end = sum.byteOffset / 4 + sum.length;
    new Int32Array(sum.buffer).fill(0, end, end + 1);
    return sum;
  }
}

/** Truncates the sum to the length of the result. */
export class FakeTolerantAdder extends CpuVectorAdder {
  override async add(a: Int32Array, b: Int32Array, { out }: AddOptions = {}) {
    const sum = await super.add(a, b);
    if (out === undefined) return sum;
    out.set(sum.subarray(0, out.length));
    return out;
  }
}

/** Does not wipe memory. */
export class FakeDirtyAdder extends CpuVectorAdder {
  override async allocate(length: number) {
    return (await super.allocate(length)).fill(1, length - 1);
  }
}

/** Allocates the same memory for all. */
export class FakeArenaAdder extends CpuVectorAdder {
  readonly #arena = new Int32Array(2 ** 21);

  override async allocate(length: number) {
    const { buffer } = this.#arena.fill(0);
    return new Int32Array(buffer, 0, (await super.allocate(length)).length);
  }
}

/** Takes a part of allocated memory for all of it. */
export class FakeBaseAddressAdder extends CpuVectorAdder {
  readonly #allocated = new WeakSet<ArrayBufferLike>();

  override async allocate(length: number) {
    const array = await super.allocate(length);
    this.#allocated.add(array.buffer);
    return array;
  }

  override add(a: Int32Array, b: Int32Array, options: AddOptions = {}) {
    if (a.length !== b.length || !this.#allocated.has(a.buffer)) return super.add(a, b, options);
    return super.add(new Int32Array(a.buffer, 0, a.length), b, options);
  }
}

/** Clears its memory when it closes, though others use it. */
export class FakeReclaimingAdder extends CpuVectorAdder {
  readonly #allocated: Int32Array[] = [];

  override async allocate(length: number) {
    const array = await super.allocate(length);
    this.#allocated.push(array);
    return array;
  }

  override async close() {
    await super.close();
    for (const array of this.#allocated) array.fill(0);
  }
}

/** Rounds lengths to possible ones. */
export class FakeRoundingAdder extends CpuVectorAdder {
  override allocate(length: number) {
    return super.allocate(length | 0);
  }
}

/** Goes on allocating when it is closed. */
export class FakeHoardingAdder extends CpuVectorAdder {
  override allocate(length: number) {
    return super.allocate(length).catch(() => new Int32Array(length));
  }
}
