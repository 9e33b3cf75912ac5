/** The device of a `VectorAdder`. Later versions may add fields. */
export interface DeviceInfo {
  /** A GPU by the CUDA driver, or the CPU. */
  readonly backend: 'cuda' | 'cpu';
  /** Which device of the backend, counted from 0. */
  readonly index: number;
  /** For people, for example in a log. */
  readonly name: string;
}

/** Options of `VectorAdder.add`. */
export interface AddOptions {
  /**
   * Where to put the sum: as long as the operands, and either one of them or an array that overlaps
   * neither. The promise resolves to this array. Its content is undefined until then, and after a
   * rejection. Default: a new array.
   */
  readonly out?: Int32Array;
  /**
   * Called just before the promise resolves, with the time that the addition took by the clock of the
   * device. A device without a clock never calls it. If it throws, the call rejects with that.
   *
   * @param ms Milliseconds.
   */
  readonly onDeviceTime?: (ms: number) => void;
}

/**
 * A device that adds int32 numbers.
 *
 * - Sums wrap like int32: 2147483647 + 1 is -2147483648.
 * - Many calls in flight at once are legal. They settle in the order in which they were made.
 * - No method throws synchronously. A call that fails rejects with a `DeviceError`, does not disturb
 *   other calls, and may reject before earlier calls settle.
 */
export interface VectorAdder {
  /** Describes the device. Stays readable after `close()`. */
  readonly device: DeviceInfo;

  /**
   * Adds two vectors of equal length, element by element. Empty vectors give an empty vector.
   *
   * The result is a new array that shares memory with nothing else, or `out`. The operands are not
   * changed. They must stay unchanged and attached until the promise settles, since a GPU may read them
   * late.
   *
   * Rejects with `LENGTH_MISMATCH`, `OUT_OF_RANGE` (not an `Int32Array`), `INVALID_OPTION` (an `out`
   * that can't take the sum), `DEVICE_CLOSED`, or on a GPU with a `CudaError`.
   *
   * @param a One vector.
   * @param b The other one, as long.
   * @param options Where to put the sum, and a function for its duration.
   */
  add(a: Int32Array, b: Int32Array, options?: AddOptions): Promise<Int32Array>;

  /**
   * Adds two numbers: the same as `add` with vectors of length one, but cheaper.
   *
   * Rejects with `OUT_OF_RANGE` (not an int32 integer), `DEVICE_CLOSED`, or on a GPU with a
   * `CudaError`.
   *
   * @param a An int32 integer.
   * @param b Another one.
   */
  addScalar(a: number, b: number): Promise<number>;

  /**
   * Allocates an array of zeros in memory that the device reaches by itself: pinned and mapped host
   * memory for a GPU, ordinary memory for the CPU. Operands and results in it, or in parts of it, need
   * no copy by the CPU. It costs much more than an ordinary array, and the whole machine has less memory
   * to use, so allocate once and use it often. After `close()` it stays usable, as ordinary memory. It
   * is released with the last array that uses it.
   *
   * Rejects with `INVALID_OPTION` (no possible length), `DEVICE_CLOSED`, or on a GPU with a
   * `CudaError`, such as `CUDA_ERROR_OUT_OF_MEMORY`.
   *
   * @param length In elements, 4 bytes each.
   */
  allocate(length: number): Promise<Int32Array>;

  /**
   * Resolves when every call in flight has settled and the device is released. Calls made after it
   * reject with `DEVICE_CLOSED`, also before it resolves. Closing again is harmless.
   */
  close(): Promise<void>;
}
