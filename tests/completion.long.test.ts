/** The completion of real shells, with the scripts that the programs print, and the programs in the PATH. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeIf } from './support/describe-if.js';
import { CLIENT, environment, MEDIATOR, run, runMediator, TestRoot } from './support/processes.js';

/** Words as bash splits them, `--pool=A` into three; prints what it was given for the last one. */
const BASH = `
source <("$1" completion bash)
program="$1"; shift
COMP_WORDS=("$program" "$@")
COMP_CWORD=$#
[[ $(complete -p "$program") == *" -F "* ]] || exit 1
"_\${program//-/_}"
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** compadd is what a completion hands its candidates to; here it prints them. */
const ZSH = `
compdef() { :; }
compadd() { [[ $1 == -a ]] && print -l -- "\${(@P)2}"; }
_files() { print FILES; }
source <("$1" completion zsh)
program="$1"
words=("$@")
CURRENT=$#
"_\${program//-/_}"
`;

const FISH = `
$argv[1] completion fish | source
complete -C (string join ' ' -- $argv)
`;

const has = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

let root: TestRoot;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  root = new TestRoot([]);
  for (const vm of [7, 12, 70]) {
    const flags = ['--pool', 'A', '--priority', 'high', '--root', root.path];
    expect((await runMediator('vm', 'add', String(vm), ...flags)).status).toBe(0);
  }
  writeFileSync(join(root.base, 'shell.bash'), BASH);
  writeFileSync(join(root.base, 'shell.zsh'), ZSH);
  writeFileSync(join(root.base, 'shell.fish'), FISH);
  mkdirSync(join(root.base, 'bin'));
  for (const program of [MEDIATOR, CLIENT]) {
    symlinkSync(program, join(root.base, 'bin', basename(program, '.js')));
  }
  env = { ...environment, VGPU_ROOT: root.path, HOME: root.base };
});
afterAll(() => {
  root.remove();
});

async function complete(shell: string, ...words: string[]): Promise<string[]> {
  const path = `${join(root.base, 'bin')}:${dirname(process.execPath)}:${env['PATH'] ?? ''}`;
  const noStartFiles = { bash: '--norc', zsh: '-f', fish: '--no-config' }[shell] ?? '';
  const completed = await run(shell, [noStartFiles, join(root.base, `shell.${shell}`), ...words], {
    env: { ...env, PATH: path, SHELL: `/bin/${shell}` },
    cwd: root.base,
  });
  expect(completed).toMatchObject({ status: 0, stderr: '' });
  return completed.stdout.split('\n').filter((line) => line !== '');
}

for (const shell of ['bash', 'zsh', 'fish']) {
  const hint = `skipped: it needs ${shell} (apt-get install ${shell})`;
  describeIf(has(shell), hint, `in ${shell}`, () => {
    it.each<{ line: string[]; expected: string[] }>([
      {
        line: ['vgpu-mediator', ''],
        expected: ['serve', 'vm', 'pool', 'service', 'status', 'drain', 'doctor', 'completion'],
      },
      { line: ['vgpu-mediator', 'vm', 's'], expected: ['set', 'show', 'suspend'] },
      { line: ['vgpu-mediator', 'vm', 'set', ''], expected: ['7', '12', '70'] },
      { line: ['vgpu-mediator', 'vm', 'set', '7'], expected: ['7', '70'] },
      { line: ['vgpu-mediator', 'vm', 'set', '7', '--p'], expected: ['--pool', '--priority'] },
      { line: ['vgpu-mediator', 'vm', 'set', '7', '--pool', ''], expected: ['A', 'B'] },
      { line: ['vgpu-mediator', 'pool', 'set', ''], expected: ['A', 'B'] },
      { line: ['vgpu-mediator', '--log-level', 'd'], expected: ['debug'] },
      { line: ['vgpu-mediator', 'serve', '--ch'], expected: ['--check-config'] },
      { line: ['vgpu-vm-client', 'b'], expected: ['bench'] },
      { line: ['vgpu-vm-client', '1', '2', '--p'], expected: ['--pool', '--priority', '--plain'] },
      { line: ['vgpu-vm-client', '--priority', ''], expected: ['high', 'medium', 'low'] },
      { line: ['vgpu-vm-client', 'bench', '--a'], expected: ['--arrivals'] },
      { line: ['vgpu-vm-client', 'bench', '--arrivals', 'p'], expected: ['poisson'] },
      { line: ['vgpu-vm-client', 'completion', 'f'], expected: ['fish'] },
    ])('$line gives $expected', async ({ line, expected }) => {
      const completed = await complete(shell, ...line);
      expect(completed.sort()).toEqual(expected.sort());
    });

    it('values after an equals sign', async () => {
      const whole = ['vgpu-mediator', 'vm', 'set', '7', '--pool='];
      if (shell === 'bash') {
        expect(await complete(shell, ...whole.slice(0, -1), '--pool', '=')).toEqual(['A', 'B']);
      } else {
        expect(await complete(shell, ...whole)).toEqual(['--pool=A', '--pool=B']);
      }
    });

    it('paths are left to the shell', async () => {
      const completed = await complete(shell, 'vgpu-mediator', '--config', 'shell.f');
      const expected = { bash: [], zsh: ['FILES'], fish: ['shell.fish'] }[shell];
      expect(completed).toEqual(expected);
    });
  });
}

it.each([
  { program: MEDIATOR, args: ['completion'] },
  { program: MEDIATOR, args: ['completion', 'csh'] },
  { program: CLIENT, args: ['completion'] },
  { program: CLIENT, args: ['completion', 'csh'] },
  { program: CLIENT, args: ['completion', 'bash', 'zsh'] },
])('another shell is wrong use: $args', async ({ program, args }) => {
  const { status, stdout, stderr } = await run(process.execPath, [program, ...args]);
  expect([status, stdout]).toEqual([64, '']);
  expect(stderr).toContain('--help');
});
