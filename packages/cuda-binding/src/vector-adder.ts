/** What a `VectorAdder` runs on. Later versions may add fields. */
export interface DeviceInfo {
  readonly backend: 'cuda' | 'cpu';
  /** Which device of the backend, counted from 0. */
  readonly index: number;
  /** For people, for example in a log. */
  readonly name: string;
}

/**
 * A device that adds int32 numbers.
 *
 * - Sums wrap like int32: 2147483647 + 1 is -2147483648.
 * - Many calls in flight at once are legal. They settle in the order in which they were made.
 * - No method throws synchronously. A call that can't be served rejects with a `DeviceError`, does
 *   not disturb other calls, and may reject before calls that were made earlier.
 */
export interface VectorAdder {
  /** What the sums are computed on. Stays readable after `close()`. */
  readonly device: DeviceInfo;

  /**
   * Adds two vectors of equal length, element by element. Empty vectors give an empty vector.
   *
   * The result is a new array that shares memory with nothing else. The operands are left as they
   * are, and must stay unchanged until the promise settles, since a GPU may read them late.
   *
   * Rejects with `LENGTH_MISMATCH`, `OUT_OF_RANGE` (not an `Int32Array`) or `DEVICE_CLOSED`.
   */
  add(a: Int32Array, b: Int32Array): Promise<Int32Array>;

  /**
   * Adds two numbers: the same as `add` with vectors of length one, but cheaper.
   *
   * Rejects with `OUT_OF_RANGE` (not an int32 integer) or `DEVICE_CLOSED`.
   */
  addScalar(a: number, b: number): Promise<number>;

  /**
   * Resolves when every call in flight has settled and the device is released. Calls made after it
   * reject with `DEVICE_CLOSED`, also while it still waits. Closing again is harmless.
   */
  close(): Promise<void>;
}
