// The packages to compare with, in the versions of `bench/peers/package-lock.json`. The first benchmark that
// needs them installs them, so that they are not needed elsewhere.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const LOCK = join(import.meta.dirname, '../peers/package-lock.json');
const FOLDER = join(import.meta.dirname, '../../.cache/bench/peers');

/** @returns {string} the folder with their `node_modules` */
export function installPeers() {
  const lock = join(FOLDER, 'package-lock.json');
  if (existsSync(lock) && readFileSync(lock).equals(readFileSync(LOCK))) return FOLDER;
  console.error('Installing the peers');
  mkdirSync(FOLDER, { recursive: true });
  copyFileSync(LOCK.replace('-lock', ''), join(FOLDER, 'package.json'));
  const npm = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  copyFileSync(LOCK, lock);
  execFileSync('npm', ['ci', ...npm], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] });
  return FOLDER;
}

/**
 * Imports a peer.
 *
 * @param {string} name
 * @returns {Promise<unknown>}
 */
export function importPeer(name) {
  return import(createRequire(join(installPeers(), 'package.json')).resolve(name));
}
