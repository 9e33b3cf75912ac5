import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rebuildArguments } from './rebuild-arguments.mjs';
import { sourceHash } from './source-hash.mjs';

/**
 * What a package with an addon does when it is installed: builds the addon where the one that came with the
 * package does not load. What was built on another system is removed. Never fails the installation: the
 * package says what it can't do without its addon, when that is asked of it.
 *
 * @param {string} root the package's folder
 */
export function installAddon(root) {
  if (process.platform !== 'linux') return;
  /** @type {{ targets: { target_name: string }[] }} */
  const { targets } = JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8'));
  const file = `${targets[0]?.target_name}.node`;
  const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, file);
  const built = join(root, 'build/Release', file);
  const hash = sourceHash(root);
  if (loads(prebuilt, hash)) rmSync(join(root, 'build'), { recursive: true, force: true });
  else if (!loads(built, hash)) build(root, () => loads(built, hash));
}

/**
 * Whether an addon loads and has these sources. Another process tries, because a file that is damaged may
 * end it.
 *
 * @param {string} path @param {string} hash
 */
function loads(path, hash) {
  const program = 'process.stdout.write(require(process.argv[1]).sourceHash)';
  const { status, stdout } = spawnSync(process.execPath, ['-e', program, path], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 && stdout === hash;
}

/** @param {string} root @param {() => boolean} isGood whether what was built loads */
function build(root, isGood) {
  // npm and pnpm put node-gyp on the path of install scripts.
  const { status, error, stdout, stderr } = spawnSync('node-gyp', rebuildArguments(root), {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0 && isGood()) return;
  /** @type {{ name: string }} */
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const reason = error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n');
  console.warn(
    `${name}: the addon that came with it does not load here, and none could be built.\n${reason}`,
  );
}
