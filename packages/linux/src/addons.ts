export { LinuxError, type LinuxErrorCode } from './linux-error.js';
export { loadAddon, type AddonDescription } from './load-addon.js';
export { PackageFiles, type PackageDescription } from './package-files.js';
