/** Stands where an element was. A value of its own, because `undefined` may be an element. */
export const GONE: unique symbol = Symbol('gone');
