export * from './addons.js';
export {
  addonIfAny,
  requireAddon,
  type NativeAddon,
  type SystemFailure,
  type TooShort,
} from './addon.js';
export { closeRead, errnoOf, isErrno, systemError, tolerate, type ErrnoName } from './errno.js';
export { isFuse, memoryFileSystem, sharedFileSystem } from './file-systems.js';
export { flock, isUnsupported } from './flock.js';
export { notify } from './notify.js';
export { readRegisters } from './registers.js';
export {
  watchDirectory,
  WatchEvent,
  type DirectoryWatch,
  type OnChange,
  type WatchFilter,
} from './watch-directory.js';
