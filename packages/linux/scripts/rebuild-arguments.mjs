import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sourceHash } from './source-hash.mjs';

/**
 * The arguments by which node-gyp builds the addon of a package. It uses the headers that came with this
 * Node, where it has them, and else downloads them.
 *
 * @param {string} root the package's folder
 * @returns {string[]}
 */
export function rebuildArguments(root) {
  const prefix = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  const headers = hasHeaders ? [`--nodedir=${prefix}`] : [];
  return ['rebuild', ...headers, '--', `-Dvgpu_source_hash=${sourceHash(root)}`];
}
