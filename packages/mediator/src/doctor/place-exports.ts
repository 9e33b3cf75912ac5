import { dirname, join, relative } from 'node:path';
import type { Export } from './export-table.js';
import type { PlacedExport } from './exports.js';
import { type Mount, type Position, positionOf } from './mount.js';

/** The paths of the mediator, with which exports are compared: absolute, without links. */
export interface Places {
  readonly root: string;
  readonly stateDir: string;
  readonly directories: readonly { readonly path: string }[];
  /** Resolves the links of a path that may not exist. */
  readonly realPathOf: (path: string) => string;
  readonly mountOf: (path: string) => Mount;
}

/**
 * The paths of the mediator that each export reaches. A directory may be exported by another name,
 * such as that of a bind mount, so that its position on its file system is compared, too.
 */
export function placeExports(exports: readonly Export[], places: Places): PlacedExport[] {
  const { root, stateDir, directories, realPathOf, mountOf } = places;
  const position = (path: string) => positionOf(path, mountOf(path));
  const [ofRoot, ofState] = [position(root), position(stateDir)];
  const names = [root, ...directories.map(({ path }) => path)];
  const known = new Map(names.map((path) => [keyOf(position(path)), path]));
  return exports.map((each) => {
    const path = realPathOf(each.path);
    const here = position(path);
    return {
      ...each,
      at: nameIn(known, here) ?? path,
      holdsRoot: isWithin(root, path) || liesIn(ofRoot, here),
      concernsState:
        isWithin(stateDir, path) ||
        isWithin(path, stateDir) ||
        liesIn(ofState, here) ||
        liesIn(here, ofState),
    };
  });
}

/** The name of a position relative to the known names; undefined if it is in none of them. */
function nameIn(
  known: ReadonlyMap<string, string>,
  { device, path }: Position,
): string | undefined {
  for (let above = path; ; above = dirname(above)) {
    const name = known.get(keyOf({ device, path: above }));
    if (name !== undefined) return join(name, relative(above, path));
    if (above === dirname(above)) return undefined;
  }
}

function keyOf({ device, path }: Position): string {
  return `${device} ${path}`;
}

function liesIn(inner: Position, outer: Position): boolean {
  return inner.device === outer.device && isWithin(inner.path, outer.path);
}

function isWithin(path: string, outer: string): boolean {
  return outer === '/' || path === outer || path.startsWith(`${outer}/`);
}
