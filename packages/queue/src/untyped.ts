// For callers without a type checker. Nothing here throws on any value.

/** The options of a caller; an empty object for undefined and null. */
export function optionsOf<T extends object>(options: T | null | undefined): Partial<T> {
  return options ?? {};
}

/** A value for a message. `String` throws for objects that have no such text. */
export function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
