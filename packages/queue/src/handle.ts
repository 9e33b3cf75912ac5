declare const handleBrand: unique symbol;

/**
 * Names one element of the queue whose `push` returned it, and never another one: handles are not
 * issued twice, not even after `clear`. To be kept and given back, not to be calculated with.
 * Another queue does not know it and may take it for one of its own.
 */
export type Handle = number & {
  /** For the compiler alone: at run time a handle is a number. */
  readonly [handleBrand]: true;
};

/** Of what a caller without types may give, only a whole number can be a handle; `%` and `-` take more. */
export function isHandle(value: unknown): value is Handle {
  return Number.isSafeInteger(value);
}
