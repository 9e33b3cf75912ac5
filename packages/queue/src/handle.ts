declare const handleBrand: unique symbol;

/**
 * Names one element of the queue whose `push` returned it, and never another one: handles are not
 * issued twice, not even after `clear`. Use it only as an argument of `delete` of the same queue: another
 * queue may take it for a handle of its own.
 */
export type Handle = number & {
  /** For the compiler alone: at run time a handle is a number. */
  readonly [handleBrand]: true;
};

/** A caller without types may pass anything. Only a whole number can be a handle; `%` and `-` accept more. */
export function isHandle(value: unknown): value is Handle {
  return Number.isSafeInteger(value);
}
