import { readFileSync } from 'node:fs';

let known: string | undefined;

/** The version of this package. */
export function version(): string {
  if (known === undefined) {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    ({ version: known } = JSON.parse(manifest) as { version: string });
  }
  return known;
}
