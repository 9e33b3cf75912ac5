// Runs when the package is installed.
import { fileURLToPath } from 'node:url';
import { installAddon } from './install-addon.mjs';

installAddon(fileURLToPath(new URL('..', import.meta.url)));
