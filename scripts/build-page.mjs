// `node scripts/build-page.mjs`: makes the mediator's page, `packages/mediator/page/dist`, of its sources.
// `pnpm build` and packing run it. `assets.ts` lists its parts, and `LICENSES.txt` the code of others in it.
import * as esbuild from 'esbuild';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { licensesOf } from './bundle.mjs';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(REPOSITORY, 'packages/mediator/page');
const SOURCES = join(FOLDER, 'src');
const OUTPUT = join(FOLDER, 'dist');

/** The oldest browsers that know `light-dark()`. */
const TARGET = ['chrome123', 'firefox120', 'safari17.5'];

rmSync(OUTPUT, { recursive: true, force: true });
mkdirSync(OUTPUT);
const { metafile } = await esbuild.build({
  absWorkingDir: REPOSITORY,
  entryPoints: ['page.ts', 'sign-in.ts', 'page.css'].map((name) => join(SOURCES, name)),
  outdir: OUTPUT,
  bundle: true,
  format: 'esm',
  target: TARGET,
  minify: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
});
for (const name of ['index.html', 'sign-in.html', 'icon.svg']) {
  copyFileSync(join(SOURCES, name), join(OUTPUT, name));
}
const inputs = Object.keys(metafile.inputs).map((path) => resolve(REPOSITORY, path));
writeFileSync(join(OUTPUT, 'LICENSES.txt'), licensesOf('the page', inputs));
