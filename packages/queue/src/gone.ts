/** Marks the place of an element that has left. `undefined` cannot do that: it may be an element. */
export const GONE: unique symbol = Symbol('gone');
