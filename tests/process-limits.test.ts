/** Both programs in a process that lacks something: its current directory, or descriptors. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { CLIENT, MEDIATOR, run } from './support/processes.js';

const PROGRAMS = [
  { name: 'vgpu-mediator', program: MEDIATOR },
  { name: 'vgpu-vm-client', program: CLIENT },
];

const shell = (script: string, program: string, ...args: string[]) =>
  run('sh', ['-c', `${script}; exec "$@"`, 'sh', process.execPath, program, ...args]);

it.each(PROGRAMS)('$name in a removed directory says so', async ({ name, program }) => {
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-'));
  try {
    const gone = `cd '${directory}' && rmdir '${directory}'`;
    const message = 'the current directory was removed; change to another one';
    expect(await shell(gone, program, '--help')).toEqual({
      status: 69,
      stdout: '',
      stderr: `${name}: ${message}\n`,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

it('an error in a removed directory is JSON with --json', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-'));
  const gone = `cd '${directory}' && rmdir '${directory}'`;
  const { status, stderr } = await shell(gone, MEDIATOR, 'vm', 'list', '--json');
  expect(status).toBe(69);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NO_CURRENT_DIRECTORY' } });
});

it.each(PROGRAMS)('$name with too few descriptors says so', async ({ name, program }) => {
  for (const limit of [22, 25, 30]) {
    const { status, stderr } = await shell(`ulimit -n ${limit}`, program, '--version');
    if (status === 0) continue;
    expect(stderr).toMatch(
      new RegExp(`^${name}: .*raise the limit of open files \\(ulimit -n\\)\\n$`),
    );
    expect(status).toBe(73);
  }
});
