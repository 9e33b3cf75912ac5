import { loadAddon, type NativeAddon } from './native.js';

/** The addon, for what can be done without it, too; undefined where there is none. */
export function addonIfAny(): NativeAddon | undefined {
  try {
    return loadAddon();
  } catch {
    return undefined;
  }
}
