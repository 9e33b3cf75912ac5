// Packs the packages and installs their tarballs by npm outside the repository, as users get them.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, execute } from './processes.mjs';

const REPOSITORY = join(import.meta.dirname, '../..');

/**
 * @param {string} base a new folder is made in it for the tarballs
 * @returns {string[]} the paths of the tarballs
 */
export function packAll(base) {
  const { packageManager } = /** @type {{ packageManager: string }} */ (
    JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
  );
  const tarballs = join(base, 'tarballs');
  const pack = ['-r', '--filter', './packages/*', 'pack', '--pack-destination', tarballs];
  execute('npx', ['--yes', packageManager, ...pack], { cwd: REPOSITORY });
  return readdirSync(tarballs).map((name) => join(tarballs, name));
}

/**
 * Makes a project with packages in it.
 *
 * @param {string} project the folder to make
 * @param {string[]} tarballs
 */
export function installInto(project, tarballs) {
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  // What npm has downloaded once need not come again.
  const env = { ...environment, npm_config_cache: join(REPOSITORY, '.cache/npm') };
  execute('npm', ['install', '--no-audit', '--no-fund', ...tarballs], { cwd: project, env });
  // The mediator's user has to read it, whatever the umask is.
  chmodSync(project, 0o755);
}
