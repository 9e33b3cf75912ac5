// Runs when the package is installed.
import { fileURLToPath } from 'node:url';
import { installAddon } from '@vgpu/linux/install';

installAddon(fileURLToPath(new URL('..', import.meta.url)));
