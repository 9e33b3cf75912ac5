import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';

/**
 * Reads a JSON file, and ignores a byte-order mark, as RFC 8259, section 8.1, allows.
 *
 * @throws the error of a system call; SyntaxError as {@link parseJson} does, and if the file is not
 *   UTF-8.
 */
export function readJson(path: string): unknown {
  const bytes = readFileSync(path);
  if (!isUtf8(bytes)) throw new SyntaxError('expected UTF-8, found other bytes');
  return parseJson(bytes.toString('utf8').replace(/^\ufeff/, ''));
}

/**
 * Parses JSON, and refuses objects with duplicate keys, of which `JSON.parse` would keep the last one.
 *
 * @throws SyntaxError if the text is not JSON, or an object has a key twice.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  requireSingleKeys(text);
  return value;
}

/** An object, or an array, which has no keys. */
interface Open {
  readonly keys: Set<string> | undefined;
  /** Its last key so far. */
  key: string | undefined;
}

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

/** @param text Valid JSON. */
function requireSingleKeys(text: string): void {
  const open: Open[] = [];
  let isKeyNext = false;
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    const innermost = open.at(-1);
    if (token === '{' || token === '[') {
      open.push({ keys: token === '{' ? new Set() : undefined, key: undefined });
      isKeyNext = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ',') {
      isKeyNext = innermost?.keys !== undefined;
    } else if (isKeyNext && innermost?.keys !== undefined) {
      const key = JSON.parse(token) as string;
      if (innermost.keys.has(key)) {
        const line = text.slice(0, index).split('\n').length;
        const outer = open.flatMap(({ key: name }) => name ?? []).slice(0, -1);
        const place = outer.length > 0 ? ` of ${JSON.stringify(outer.join('.'))}` : '';
        throw new SyntaxError(
          `the key ${JSON.stringify(key)}${place} occurs twice, again in line ${line}; keep one`,
        );
      }
      innermost.keys.add(key);
      innermost.key = key;
      isKeyNext = false;
    }
  }
}
