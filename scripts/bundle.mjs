// `node scripts/bundle.mjs [package ...]`: makes of each program one file, `bundle/program.cjs`. Users run
// `bundle/<program>.cjs`, the `bin`, which loads it where Node is not too old to read it. Packing runs it
// (`prepack`), on what `tsc -b` has built; the repository itself runs
// the modules in `dist`. Reading one file, without Node's loader of ES modules, is most of a start.
//
// A package that is imported where it is used, by `import('name')`, gets a file of its own, read then.
// Names are kept, so that a stack can be read. Whose code is in the files stands in `LICENSES.txt`.
import * as esbuild from 'esbuild';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
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

/**
 * Modules find files of their package by `import.meta.url`. So that they still do, it becomes a call
 * of this function with the package's name and the module's path in it.
 */
const MODULE_URL = `
const moduleUrl = (name, path) =>
  require('node:url').pathToFileURL(require.resolve(name + '/package.json').slice(0, -12) + path).href;`;

/** How a `bin` loads what `tsc -b` has built. */
const LOADING = "import('../dist/bin.js')";
/** As Node has it, the default export of such a file is all that it exports. */
const DEFAULT = { tail: 'if (module.exports.__esModule) module.exports = module.exports.default;' };

/**
 * Bundles the programs of a package.
 *
 * @param {string} folder the package's
 * @returns {Promise<string[]>} the paths of the programs; none if the package has none
 */
export async function bundle(folder) {
  const { publishConfig } = manifestOf(folder);
  const programs = Object.values(publishConfig?.bin ?? {}).map((path) => join(folder, path));
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
    // Not the identifiers: they cost nothing that can be measured, and stacks tell more with them.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 200,
    supported: { 'dynamic-import': false },
    plugins: [packagesApart(apart), ownUrls],
    define: {
      'import.meta.url': 'bundleUrl',
      // What winston has for debugging itself.
      'process.env.NODE_ENV': '"production"',
    },
    banner: {
      js: `"use strict";${MODULE_URL}
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
 * What is imported where it is used is not read before.
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

/** @type {Plugin} */
const ownUrls = {
  name: 'own urls',
  setup(build) {
    build.onLoad({ filter: /\/packages\/[^/]+\/dist\/.*\.js$/ }, ({ path }) => {
      const folder = join(PACKAGES, relative(PACKAGES, path).split(sep, 1)[0] ?? '');
      const place = [manifestOf(folder).name, relative(folder, path)];
      const call = `moduleUrl(${place.map((part) => JSON.stringify(part)).join(', ')})`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', call) };
    });
  },
};

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
