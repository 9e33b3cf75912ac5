import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as vm from 'node:vm';
import type * as protocol from '@vgpu/protocol';
import { createInstrumenter } from 'istanbul-lib-instrument';
import * as zod from 'zod/mini';

export type Protocol = typeof protocol;

/** The built package, and the counters that show an input's path through it. */
export interface Instrumented {
  readonly protocol: Protocol;
  /** How often each statement, function and branch has run since they were last set to zero. */
  readonly counters: Uint32Array;
}

/** The counters of one file, as Istanbul keeps them. */
interface FileCounters {
  s: ArrayLike<number>;
  f: ArrayLike<number>;
  readonly b: Record<string, ArrayLike<number>>;
}

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const VARIABLE = '__vgpu_fuzz_coverage__';

/** Loads the built package with counters in it. */
export async function loadInstrumented(): Promise<Instrumented> {
  if (!existsSync(`${DIST}index.js`)) throw new Error('nothing is built: `pnpm build` first');
  const instrumenter = createInstrumenter({
    esModules: true,
    coverageVariable: VARIABLE,
    coverageGlobalScope: 'globalThis',
    coverageGlobalScopeFunc: false,
  });
  const modules = new Map<string, vm.Module>([['zod/mini', zodModule()]]);
  const load = (specifier: string): vm.Module => {
    const known = modules.get(specifier);
    if (known !== undefined) return known;
    const path = DIST + specifier.replace('./', '');
    const code = instrumenter.instrumentSync(readFileSync(path, 'utf8'), path);
    const loaded = new vm.SourceTextModule(code, { identifier: path });
    modules.set(specifier, loaded);
    return loaded;
  };
  const index = load('./index.js');
  await index.link(load);
  await index.evaluate();
  const files = vm.runInThisContext(VARIABLE) as Record<string, FileCounters>;
  return { protocol: index.namespace as Protocol, counters: joined(Object.values(files)) };
}

/** The one that the tests use: only the path through our own code matters. */
function zodModule(): vm.Module {
  return new vm.SyntheticModule(Object.keys(zod), function () {
    for (const [name, value] of Object.entries(zod)) this.setExport(name, value);
  });
}

/** Makes all files count in one array, which is fast to clear and to read. */
function joined(files: readonly FileCounters[]): Uint32Array {
  const sizeOf = (part: ArrayLike<number>) => Object.keys(part).length;
  const parts = files.flatMap(({ s, f, b }) => [s, f, ...Object.values(b)]);
  const counters = new Uint32Array(parts.reduce((sum, part) => sum + sizeOf(part), 0));
  let used = 0;
  const moved = (part: ArrayLike<number>) => counters.subarray(used, (used += sizeOf(part)));
  for (const file of files) {
    file.s = moved(file.s);
    file.f = moved(file.f);
    for (const [branch, ways] of Object.entries(file.b)) file.b[branch] = moved(ways);
  }
  return counters;
}
