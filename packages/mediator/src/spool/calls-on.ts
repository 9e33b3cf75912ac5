import { addonIfAny } from '@vgpu/linux';
import type { DirectoryCalls } from './directory-calls.js';
import { NativeCalls } from './native-calls.js';
import { ProcCalls } from './proc-calls.js';

/**
 * The calls on the names in an open directory: by the addon, or by Node alone if no addon can be loaded.
 *
 * @param path Leads to the open directory even if another one has its name by now.
 */
export function callsOn(directory: number, path: string): DirectoryCalls {
  const addon = addonIfAny();
  return addon === undefined ? new ProcCalls(path) : new NativeCalls(addon, directory, path);
}
