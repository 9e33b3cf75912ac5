import { NAME, VERSION } from './constants.js';
import { PackageFiles } from './package-files.js';

declare const __filename: string | undefined;

/** The files of this package. */
export const ownFiles = new PackageFiles({
  name: NAME,
  version: VERSION,
  url: import.meta.url,
  path: typeof __filename === 'string' ? __filename : undefined,
});
