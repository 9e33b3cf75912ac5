import type { CallSignal } from './options.js';

const callbacksOf = new WeakMap<CallSignal, Set<() => void>>();

/**
 * Calls back when the signal is aborted, until the returned function is called. The signal has one
 * listener however many calls share it: Node warns of a leak at the eleventh.
 */
export function onAbort(signal: CallSignal, callback: () => void): () => void {
  let callbacks = callbacksOf.get(signal);
  if (callbacks === undefined) {
    callbacks = new Set();
    callbacksOf.set(signal, callbacks);
    signal.addEventListener('abort', callBack);
  }
  const waiting = callbacks.add(callback);
  return () => {
    waiting.delete(callback);
    if (waiting.size > 0) return;
    callbacksOf.delete(signal);
    signal.removeEventListener('abort', callBack);
  };
}

function callBack(this: CallSignal): void {
  for (const callback of callbacksOf.get(this) ?? []) callback();
}
