/** The tables of options and exit statuses in the documents are those of the programs. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from '@jest/globals';
import { run } from './support/processes.js';

const repository = resolve(import.meta.dirname, '..');
const script = join(repository, 'scripts/docs-tables.mjs');

it('the documents have the current tables', async () => {
  const checked = await run(process.execPath, [script, '--check'], {});
  expect(checked).toEqual({ status: 0, stdout: '', stderr: '' });
});

it.each([
  'options:vgpu-mediator',
  'options:vgpu-vm-client',
  'exit-statuses:vgpu-mediator',
  'exit-statuses:vgpu-vm-client',
])('a document has the table %s', async (name) => {
  const listed = await run('git', ['ls-files', '*.md'], { cwd: repository });
  const documents = listed.stdout.trim().split('\n');
  const [kind = ''] = name.split(':');
  const tables = documents.flatMap((path) => {
    const text = readFileSync(join(repository, path), 'utf8');
    return text.split(`<!-- ${name} -->`)[1]?.split(`<!-- /${kind} -->`)[0] ?? [];
  });
  expect(tables).not.toEqual([]);
  for (const table of tables) expect(table).toMatch(/^\n\n\| [\s\S]+ \|\n\n$/);
});

it('a document without an end of a table, or with an unknown one, is refused', async () => {
  const call = (text: string) =>
    `import { withTables } from ${JSON.stringify(script)}; await withTables(${JSON.stringify(text)}, 'x.md');`;
  const evaluate = (text: string) =>
    run(process.execPath, ['--input-type=module', '--eval', call(text)], { cwd: repository });
  expect((await evaluate('<!-- options:vgpu-mediator -->\n')).stderr).toContain(
    'x.md: expected <!-- /options --> after <!-- options:vgpu-mediator -->',
  );
  expect((await evaluate('<!-- options:vgpu -->\n<!-- /options -->\n')).stderr).toContain(
    'x.md: there is no table options:vgpu',
  );
});
