import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** A program that stands in a document or a docstring. */
export interface Example {
  /** Its file and line, as the name of a file: what the compiler complains of is found by it. */
  readonly name: string;
  readonly code: string;
  /** What each of its calls of `console.log` prints; undefined where no comment says it. */
  readonly prints: readonly (string | undefined)[];
}

/** A block of ts or js, behind the spaces of a list or the star of a docstring. */
const BLOCK = /^( *(?:\* )?)```([tj]s)\n(.*?)^\1```$/gms;
const CALL = /console\.log\(.*?\);(?: \/\/ (.*))?$/gm;

/** All examples in documents and in the sources of the packages. */
export function allExamples(): Example[] {
  const packages = readdirSync(join(repository, 'packages')).map((name) => `packages/${name}`);
  const documents = [
    ...['.', ...packages].flatMap((folder) => filesIn(folder, '.md')),
    ...filesIn('docs', '.md', true).filter((file) => !file.startsWith('docs/api/')),
  ];
  const sources = packages.flatMap((folder) => filesIn(`${folder}/src`, '.ts', true));
  return [...documents, ...sources].flatMap(examplesIn);
}

function filesIn(folder: string, extension: string, recursive = false): string[] {
  return readdirSync(join(repository, folder), { recursive, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(folder, name));
}

function examplesIn(file: string): Example[] {
  const text = readFileSync(join(repository, file), 'utf8');
  return [...text.matchAll(BLOCK)].map(
    ({ index, 1: margin = '', 2: language = '', 3: body = '' }) => {
      const line = text.slice(0, index).split('\n').length;
      const code = body.replaceAll(/^.*$/gm, (whole) => whole.slice(margin.length));
      return {
        name: `${file.replaceAll('/', '-')}-${line}.m${language}`,
        code,
        prints: [...code.matchAll(CALL)].map(([, comment]) => comment),
      };
    },
  );
}
