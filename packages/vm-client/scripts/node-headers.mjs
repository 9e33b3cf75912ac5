import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What to tell node-gyp: to use the headers that came with this Node, where it has them. Else it
 * downloads them.
 *
 * @returns {string[]}
 */
export function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return hasHeaders ? [`--nodedir=${prefix}`] : [];
}
