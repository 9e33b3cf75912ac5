import { DeviceError } from './device-error.js';
import type { DeviceInfo, VectorAdder } from './vector-adder.js';

/** The built-in operation: `b` is added to `a`, element by element as int32. */
export interface AddCall {
  /** Which operation this is. */
  readonly operation: 'add';
  /** The first vector. */
  readonly a: Int32Array;
  /** The second one, as long as the first. */
  readonly b: Int32Array;
}

/** What a device is asked to compute. Later versions add operations. */
export type OperationCall = AddCall;

/** What an operation gives. */
export interface OperationResult {
  /** The sum of `add`, as long as its operands. */
  readonly sum: Int32Array;
}

/** Options of `Device.run`. */
export interface RunOptions {
  /**
   * Told how long the operation took by the device's own clock, if it has one and measures the operation.
   *
   * @param ms Milliseconds.
   */
  readonly onDeviceTime?: (ms: number) => void;
}

/** What computes operations: a GPU, a CPU, or a process that has one of them. */
export interface Device {
  /** What the operations are computed on. Stays readable after `close()`. */
  readonly info: DeviceInfo;

  /**
   * Whether it implements an operation.
   *
   * @param operation Its name.
   */
  canRun(operation: string): boolean;

  /**
   * Computes an operation. Many calls in flight at once are legal.
   *
   * Rejects with a `DeviceError`; `isDeviceLost` says whether later calls fail, too.
   *
   * @param call The operation and its operands, which must stay unchanged until the promise settles.
   * @param options Who is told how long it took.
   */
  run(call: OperationCall, options?: RunOptions): Promise<OperationResult>;

  /** Resolves when every call in flight has settled and the device is released. */
  close(): Promise<void>;
}

/**
 * A device that computes the sums that a `VectorAdder` computes. Two numbers take its short way.
 *
 * @param adder Closed with the device.
 */
export function sumDevice(adder: VectorAdder): Device {
  return {
    info: adder.device,
    canRun: (operation) => operation === 'add',
    run: async ({ operation, a, b }, options) => {
      // Callers need not be checked by a compiler.
      if ((operation as string) !== 'add') {
        throw new DeviceError('INVALID_OPTION', `operation: expected add, got ${operation}`);
      }
      const [x, y] = [a[0], b[0]];
      // For two numbers a device takes less time than it would to measure it.
      const isScalar = a.length === 1 && b.length === 1 && x !== undefined && y !== undefined;
      if (isScalar) return { sum: Int32Array.of(await adder.addScalar(x, y)) };
      return { sum: await adder.add(a, b, options) };
    },
    close: () => adder.close(),
  };
}
