// Runs when the package is installed, the same in each package that is built then: builds the addon where
// the one that came with the package does not load. What was built on another system is removed. Never
// fails the installation: the package says what it can't do without its addon, when that is asked of it.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeHeaders } from './node-headers.mjs';
import { sourceHash } from './source-hash.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {{ name: string }} */
const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** @type {{ targets: { target_name: string }[] }} */
const { targets } = JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8'));
const file = `${targets[0]?.target_name}.node`;
const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, file);
const built = join(root, 'build/Release', file);

if (process.platform === 'linux') {
  if (loads(prebuilt)) rmSync(join(root, 'build'), { recursive: true, force: true });
  else if (!loads(built)) build();
}

/**
 * Whether an addon loads and has the sources of this package. Another process tries, because a file that
 * is damaged may end it.
 *
 * @param {string} path
 */
function loads(path) {
  const program = 'process.stdout.write(require(process.argv[1]).sourceHash)';
  const { status, stdout } = spawnSync(process.execPath, ['-e', program, path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 && stdout === sourceHash();
}

function build() {
  // npm and pnpm put node-gyp on the path of install scripts.
  const { status, error, stdout, stderr } = spawnSync('node-gyp', ['rebuild', ...nodeHeaders()], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0 && loads(built)) return;
  const reason = error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n');
  console.warn(
    `${name}: the addon that came with it does not load here, and none could be built.\n${reason}`,
  );
}
