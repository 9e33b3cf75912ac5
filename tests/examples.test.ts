import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { allExamples } from './support/examples.js';
import { type Finished, MediatorProcess, run, TestRoot } from './support/processes.js';

const repository = resolve(import.meta.dirname, '..');
/** Where the packages are found by their names. */
const folder = join(repository, '.cache/examples');

const examples = allExamples();
/** What prints nothing needs a machine of its own, such as a VM with its device. */
const printing = examples.filter(({ prints }) => prints.length > 0);

const TSCONFIG = {
  compilerOptions: {
    ...{ module: 'nodenext', target: 'es2023', types: ['node'] },
    ...{ strict: true, allowJs: true, checkJs: true, skipLibCheck: true, outDir: 'out' },
  },
};
/** A logger that is the console is to print nothing besides. */
const QUIET = 'data:text/javascript,console.info=console.debug=()=>{}';

let compiled: Finished;

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  for (const { name, code } of examples) {
    writeFileSync(join(folder, name), code.replaceAll('/mnt/vgpu', './vgpu'));
  }
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  compiled = await run('node', [tsc], { cwd: folder });
});

test('there is one in the README of each package, and what is not run is known', () => {
  const withoutOne = readdirSync(join(repository, 'packages')).filter(
    (name) => !printing.some((example) => example.name.startsWith(`packages-${name}-README`)),
  );
  expect(withoutOne).toEqual([]);
  const notRun = examples.filter((example) => !printing.includes(example));
  expect(notRun.map(({ code }) => code.includes('readIdentity'))).toEqual([true]);
});

test('the compiler accepts all', () => {
  expect(compiled).toEqual({ status: 0, stdout: '', stderr: '' });
});

test.each(printing)('$name prints what its comments say', async ({ name, code, prints }) => {
  const isClient = code.includes("'@vgpu/vm-client'");
  const root = new TestRoot(isClient ? [1, 7] : []);
  try {
    if (isClient) await MediatorProcess.serving(root);
    const program = join(folder, 'out', name.replace(/ts$/, 'js'));
    const done = await run('node', ['--import', QUIET, program], { cwd: root.base });
    expect(done).toMatchObject({ status: 0 });
    const printed = done.stdout.split('\n').slice(0, -1);
    expect(printed).toEqual(prints.map((text, index) => text ?? printed[index]));
  } finally {
    root.remove();
  }
});
