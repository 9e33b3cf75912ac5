/** What the programs do before they are loaded. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT, MEDIATOR, MediatorProcess, run, TestRoot, until } from './support/processes.js';

const repository = resolve(import.meta.dirname, '..');
const { engines } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  engines: { node: string };
};

/** Has Node load a program only once a file is there. */
const HOLD = `
import { register } from 'node:module';
const hooks = \`
  import { existsSync, writeFileSync } from 'node:fs';
  export async function load(url, context, next) {
    if (url.endsWith('/dist/bin.js')) {
      writeFileSync(process.env.TEST_HOLD + '/loading', '');
      while (!existsSync(process.env.TEST_HOLD + '/go')) await new Promise((r) => setTimeout(r, 5));
    }
    return next(url, context);
  }\`;
register('data:text/javascript,' + encodeURIComponent(hooks));
`;

describe('signals that come while the mediator is being loaded', () => {
  it.each([['SIGHUP'], ['SIGUSR1'], ['SIGHUP', 'SIGUSR1', 'SIGHUP']] as NodeJS.Signals[][])(
    'neither end it nor open a debugger: %s %s %s',
    async (...signals) => {
      const root = new TestRoot();
      try {
        const hold = join(root.base, 'hold.mjs');
        writeFileSync(hold, HOLD);
        root.launch = { env: { NODE_OPTIONS: `--import ${hold}`, TEST_HOLD: root.base } };
        const mediator = new MediatorProcess(root);
        const ended = () => mediator.child.exitCode ?? mediator.child.signalCode;
        await until(() => existsSync(join(root.base, 'loading')), 'the program to be loaded');
        for (const signal of signals) mediator.signal(signal);
        writeFileSync(join(root.base, 'go'), '');
        await until(
          () => mediator.logged('ready').length > 0 || ended() !== null,
          'it to be ready',
        );
        expect(mediator.complaints.join('\n')).not.toContain('Debugger');
        expect(await mediator.stop()).toBe(0);
      } finally {
        root.remove();
      }
    },
  );
});

describe('a Node that is too old', () => {
  const runtime = join(repository, '.cache/node/18');
  const node = join(runtime, 'node_modules/.bin/node');
  beforeAll(async () => {
    if (existsSync(node)) return;
    const install = ['install', '--prefix', runtime, 'node@18'];
    expect(await run('npm', install)).toMatchObject({ status: 0 });
  }, 300_000);

  it.each([
    ['vgpu-mediator', MEDIATOR, ['--version']],
    ['vgpu-mediator', MEDIATOR, ['vm', 'list', '--json']],
    ['vgpu-vm-client', CLIENT, ['100', '200']],
  ])('is told in one line: %s', async (name, program, args) => {
    const { status, stdout, stderr } = await run(node, [program, ...args]);
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    const [, needed = ''] = /^>=(\d+\.\d+)/.exec(engines.node) ?? [];
    const expected = `${name}: expected Node ${needed} or later, got 18.`;
    expect(stderr.startsWith(expected)).toBe(true);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
