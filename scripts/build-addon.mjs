// Builds a package's addon for this platform, into the folder from which the package loads it:
// `node scripts/build-addon.mjs packages/<name>`, `prebuilds/<platform>-<arch>` in that folder.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { rebuildArguments } from '../packages/linux/scripts/rebuild-arguments.mjs';
import { writeConstants } from './write-constants.mjs';

const [, , folder] = process.argv;
if (folder === undefined) {
  console.error('usage: node scripts/build-addon.mjs packages/<name>');
  process.exit(64);
}
if (!existsSync(join(folder, 'binding.gyp'))) {
  console.error(`${folder} has no binding.gyp: name the folder of a package with an addon`);
  process.exit(64);
}
const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
const { status } = spawnSync(
  process.execPath,
  [nodeGyp, '--silent', ...rebuildArguments(resolve(folder))],
  { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
);
if (status !== 0) process.exit(status ?? 70);
const release = join(folder, 'build', 'Release');
const prebuilds = join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
mkdirSync(prebuilds, { recursive: true });
for (const name of readdirSync(release).filter((file) => file.endsWith('.node'))) {
  copyFileSync(join(release, name), join(prebuilds, name));
}
rmSync(join(folder, 'build'), { recursive: true });
// The modules load only an addon with the hash of their own sources.
if (existsSync(join(folder, 'src'))) writeConstants(folder);
