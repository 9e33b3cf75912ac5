// Builds the addon for this platform and puts it where the package carries it:
// `node scripts/build-addon.mjs [folder]`, by default prebuilds/<platform>-<arch>.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { nodeHeaders } from './node-headers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? join(root, 'prebuilds', `${process.platform}-${process.arch}`);
const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');

const { status } = spawnSync(process.execPath, [nodeGyp, 'rebuild', '--silent', ...nodeHeaders()], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (status !== 0) process.exit(status ?? 70);
mkdirSync(folder, { recursive: true });
copyFileSync(join(root, 'build', 'Release', 'vgpu_client.node'), join(folder, 'vgpu_client.node'));
rmSync(join(root, 'build'), { recursive: true });
