import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { run } from './support/processes.js';

const repository = resolve(import.meta.dirname, '..');

test('all that the packages export is documented, with members and parameters, and no link leads nowhere', async () => {
  const typedoc = join(repository, 'node_modules/typedoc/bin/typedoc');
  const args = [typedoc, '--emit', 'none', '--logLevel', 'Warn'];
  expect(await run('node', args, { cwd: repository })).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
});
