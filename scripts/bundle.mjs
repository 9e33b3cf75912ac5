// `node scripts/bundle.mjs [package ...]`: bundles each program into one file, `bundle/program.cjs`. Users
// run `bundle/<program>.cjs`, the `bin`, which loads it if Node is new enough to read it. Packing runs this
// script (`prepack`), on the output of `tsc -b`; the repository itself runs the modules in `dist`. A bundle
// starts faster: it is one file, and does without Node's loader of ES modules.
//
// A package that is imported where it is used, by `import('name')`, gets a file of its own, which is read
// then. Names are kept, so that stacks are readable. `LICENSES.txt` lists the code of others in the files.
import * as esbuild from 'esbuild';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ name: string, version: string, license?: string, engines?: { node?: string },
 *   publishConfig?: { bin?: Record<string, string> }, dependencies?: Record<string, string> }} Manifest
 * @typedef {import('esbuild').Plugin} Plugin
 */

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = join(REPOSITORY, 'packages');

/** The oldest Node that the packages run on. */
const TARGET = 'node20.19';

/** The import of `tsc -b`'s output in a `bin`. */
const LOADING = "import('../dist/bin.js')";
/** In Node, the default export of such a file is the object of all its exports. */
const DEFAULT = { tail: 'if (module.exports.__esModule) module.exports = module.exports.default;' };

/**
 * Bundles the programs of a package.
 *
 * @param {string} folder the package's
 * @param {string} into the folder of a copy of it, if not its own
 * @returns {Promise<string[]>} the paths of the programs; none if the package has none
 */
export async function bundle(folder, into = folder) {
  const { publishConfig } = manifestOf(folder);
  const programs = Object.values(publishConfig?.bin ?? {}).map((path) => join(into, path));
  /** @type {Set<string>} */
  const inputs = new Set();
  for (const program of programs) {
    rmSync(dirname(program), { recursive: true, force: true });
    const entry = join(folder, 'dist/bin.js');
    const file = join(dirname(program), 'program.cjs');
    for (const path of await bundleFile(entry, file)) inputs.add(path);
    const bin = readFileSync(join(folder, 'bin', `${basename(program, '.cjs')}.js`), 'utf8');
    if (!bin.includes(LOADING)) throw new Error(`${folder}: bin has no ${LOADING}`);
    // An import() would bring Node's loader of ES modules.
    writeFileSync(program, bin.replace(LOADING, "Promise.resolve(require('./program.cjs'))"));
    chmodSync(program, 0o755);
  }
  const [program] = programs;
  if (program !== undefined) {
    writeFileSync(
      join(dirname(program), 'LICENSES.txt'),
      licensesOf(`the programs of ${manifestOf(folder).name}`, inputs),
    );
  }
  return programs;
}

/**
 * @param {string} entry @param {string} outfile @param {{ tail?: string }} [end]
 * @returns {Promise<string[]>} the files that went into it, and into those that it loads when needed
 */
async function bundleFile(entry, outfile, { tail = '' } = {}) {
  /** @type {Map<string, string>} */
  const apart = new Map();
  const { metafile } = await esbuild.build({
    absWorkingDir: REPOSITORY,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: TARGET,
    // Not the identifiers: their cost is not measurable, and stacks are more readable with them.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 200,
    supported: { 'dynamic-import': false },
    plugins: [packagesApart(apart)],
    define: {
      'import.meta.url': 'bundleUrl',
      // winston's code for debugging itself.
      'process.env.NODE_ENV': '"production"',
    },
    banner: {
      js: `"use strict";
const bundleUrl = require('node:url').pathToFileURL(__filename).href;`,
    },
    footer: { js: tail },
    legalComments: 'inline',
    metafile: true,
    logLevel: 'warning',
  });
  const inputs = Object.keys(metafile.inputs).map((path) => resolve(REPOSITORY, path));
  for (const [name, path] of apart) {
    inputs.push(...(await bundleFile(path, join(dirname(outfile), `${name}.cjs`), DEFAULT)));
  }
  return inputs;
}

/**
 * Keeps a package that is imported where it is used from being read earlier.
 *
 * @param {Map<string, string>} apart gets the names of those packages, and what they resolve to
 * @returns {Plugin}
 */
const packagesApart = (apart) => ({
  name: 'packages apart',
  setup(build) {
    build.onResolve({ filter: /^[a-z]/ }, async ({ path: name, kind, importer, resolveDir }) => {
      if (kind !== 'dynamic-import' || name.startsWith('node:')) return undefined;
      const { path, errors } = await build.resolve(name, {
        kind: 'import-statement',
        importer,
        resolveDir,
      });
      if (errors.length > 0) return { errors };
      apart.set(name, path);
      return { path: `./${name}.cjs`, external: true };
    });
  },
});

/**
 * The licences of the packages of others that files belong to.
 *
 * @param {string} what holds their code @param {Iterable<string>} inputs
 */
export function licensesOf(what, inputs) {
  const folders = new Set(
    Array.from(inputs)
      .map((path) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0])
      .filter((path) => path !== undefined),
  );
  const texts = Array.from(folders, (path) => {
    const { name, version, license = '' } = manifestOf(path);
    const files = readdirSync(path).filter((entry) => /^(?:licen[cs]e|notice)/i.test(entry));
    if (files.length === 0) throw new Error(`${name} has no licence in it`);
    const text = files.map((file) => readFileSync(join(path, file), 'utf8').trim()).join('\n\n');
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  const line = `\n${'-'.repeat(72)}\n\n`;
  const head = `In ${what} is code of these packages.\n`;
  return [head, ...texts.sort()].join(line);
}

/** @param {string} folder @returns {Manifest} */
function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , ...names] = process.argv;
  for (const name of names.length > 0 ? names : readdirSync(PACKAGES)) {
    await bundle(join(PACKAGES, name));
  }
}
