import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { shellWords } from '../../src/cli/commands/shell.js';
import { OPTION_NAMES } from '../../src/cli/options.js';
import { Registry } from '../../src/state/registry.js';
import { CommandRunner } from '../support/command-runner.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let root: string;
let cli: CommandRunner;
beforeEach(() => {
  root = join(temporaryDirectory(), 'vgpu');
  cli = new CommandRunner(root);
});

const errorOf = (...argv: string[]) => cli.errorOf(...argv);

const ADD = ['vm', 'add', '7', '--pool', 'B', '--priority', 'low'] as const;

describe('vm add', () => {
  test.each([
    ['high', 2],
    ['medium', 1],
    ['low', 0],
    ['2', 2],
    ['1', 1],
    ['0', 0],
  ])('takes the priority %s', async (text, priority) => {
    await cli.run('vm', 'add', '4294967295', '--pool=A', `--priority=${text}`);
    expect(new Registry(`${root}-state`).entries()).toEqual([
      [4_294_967_295, { pool: 'A', priority, suspended: false }],
    ]);
  });

  test.each([
    { argv: ['0'], text: '<id>: expected a decimal number from 1 to 4294967295' },
    { argv: ['007'], text: 'without leading zeros, got "007"' },
    { argv: ['4294967296'], text: '<id>' },
    { argv: ['-7'], text: '<id>' },
    { argv: ['7e0'], text: '<id>' },
    { argv: ['0x7'], text: '<id>' },
    { argv: ['7', '8'], text: '8' },
    { argv: [], text: 'Missing required argument: id' },
    { argv: ['7', '--pool', 'C'], text: '--pool: expected A or B, got "C"' },
    { argv: ['7', '--pool', 'a'], text: '--pool' },
    { argv: ['7', '--priority', '3'], text: '--priority: expected high, medium, low' },
    { argv: ['7', '--priority', 'HIGH'], text: '--priority' },
    { argv: ['7', '--gid', '0'], text: '--gid: expected a number from 1 to 4294967294' },
    { argv: ['7', '--gid', '4294967295'], text: '--gid' },
    { argv: ['7', '--gid', 'vm7'], text: '--gid' },
    { argv: ['7', '--qemu-uid', '-1'], text: '--qemu-uid' },
    { argv: ['7', '--settle', '5'], text: 'settle' },
    { argv: ['7', '--root', ''], text: '--root: expected a path' },
  ])('refuses $argv, saying why', async ({ argv, text }) => {
    const given = (name: string) => argv.includes(`--${name}`);
    const rest = Object.entries({ pool: 'A', priority: '1' }).flatMap(([name, value]) =>
      given(name) ? [] : [`--${name}`, value],
    );
    const error = await errorOf('vm', 'add', ...rest, ...argv);
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain(text);
    expect(() => new Registry(`${root}-state`).entries()).not.toThrow();
    expect(new Registry(`${root}-state`).size).toBe(0);
  });

  test('names an invalid number before missing options', async () => {
    expect((await errorOf('vm', 'add', '0')).message).toContain('<id>: expected a decimal number');
    expect((await errorOf('vm', 'add', '7')).message).toBe(
      'missing --pool and --priority; see --help of the command',
    );
  });

  test.each(['pool', 'priority'])('wants a %s', async (option) => {
    const rest = option === 'pool' ? ['--priority', '1'] : ['--pool', 'A'];
    const error = await errorOf('vm', 'add', '7', ...rest);
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(option) });
  });

  test('prints the created files; the next steps only for people', async () => {
    await cli.run(...ADD);
    expect(cli.printed).toEqual([
      `VM 7 is registered: pool B, priority low\ndirectory: ${root}/vm7 (created)\n` +
        `register block: ${root}-state/devices/vm7.bar`,
    ]);
    expect(cli.notes).toEqual([
      'no mediator is running; the change takes effect at the next start',
    ]);
    cli.isTerminal = true;
    cli.forget();
    await cli.run(...ADD, '--replace');
    expect(cli.printed[0]).toContain(`directory: ${root}/vm7 (exists)`);
    expect(cli.printed[1]).toContain('ADDRESS-OF-VM7(rw,sync,subtree_check');
    expect(cli.printed[1]).toContain('--qemu-uid');
    cli.isTerminal = false;
    cli.forget();
    await cli.run(...ADD, '--replace', '--verbose', '--root', root, '--state-dir', `${root} s`);
    expect(cli.printed[1]).toContain(
      `vgpu-mediator vm show 7 --root ${root} --state-dir '${root} s'\n`,
    );
  });

  test('--json is one object', async () => {
    expect(JSON.parse(await cli.outputOf(...ADD, '--json'))).toEqual({
      vm: 7,
      pool: 'B',
      priority: 0,
      suspended: false,
      rateLimit: null,
      maxQueued: null,
      directory: `${root}/vm7`,
      deviceFile: `${root}-state/devices/vm7.bar`,
      mediator: 'not-running',
    });
    expect(cli.notes).toEqual([]);
  });

  test('takes the mediator that it is told of, before or after the command', async () => {
    await cli.run('--root', `${root}2`, ...ADD);
    await cli.run(...ADD, '--root', `${root}3`, '--state-dir', `${root}-three`);
    expect(new Registry(`${root}2-state`).size).toBe(1);
    expect(new Registry(`${root}-three`).size).toBe(1);
  });
});

describe('vm show', () => {
  beforeEach(async () => {
    await cli.run(...ADD);
    cli.forget();
  });

  const show = (...argv: string[]) => cli.run('vm', 'show', '7', ...argv);
  const qemu = () =>
    `-object memory-backend-file,id=vgpu0,mem-path=${root}-state/devices/vm7.bar,size=4K,share=on ` +
    '-device ivshmem-plain,memdev=vgpu0';

  test('prints one part as it is', async () => {
    await show('--qemu');
    expect(cli.printed).toEqual([qemu()]);
    await show('--stub');
    expect(cli.printed[1]).toBe('-device vgpu-stub,pool_id=B,priority=low,vm_id=7');
    await show('--libvirt');
    expect(cli.printed[2]).toMatch(/^<domain [^]*<\/domain>$/);
    expect(cli.notes).toEqual([]);
    await show('--exports', '--address', '10.0.0.7');
    expect(cli.printed[3]).toMatch(
      /^\S+\/vm7 {2}10\.0\.0\.7\(rw,sync,subtree_check,all_squash,\S+\)$/,
    );
  });

  test('prints all parts with headings, or those that are asked for', async () => {
    await show();
    expect(cli.printed[0]).toContain('VM 7: pool B, priority low\n');
    expect(cli.printed[0]?.match(/^# .*/gm)).toHaveLength(4);
    expect(cli.printed[0]).toContain(`\n${qemu()}\n`);
    await show('--qemu', '--exports');
    expect(cli.printed[1]?.match(/^# .*/gm)).toEqual(['# QEMU, as arguments', '# /etc/exports']);
  });

  test('--json is one object', async () => {
    await show('--json');
    const expected = {
      vm: 7,
      pool: 'B',
      priority: 0,
      suspended: false,
      directory: `${root}/vm7`,
      deviceFile: `${root}-state/devices/vm7.bar`,
      qemu: qemu().split(' '),
      libvirt: expect.stringContaining('<qemu:commandline>'),
      stub: ['-device', 'vgpu-stub,pool_id=B,priority=low,vm_id=7'],
      exports: null,
    };
    expect(JSON.parse(cli.printed[0] ?? '')).toEqual(expected);
  });

  test('names the problem of the register block, and its remedy', async () => {
    new Registry(`${root}-state`).set(7, { pool: 'A', priority: 2 });
    await show('--qemu');
    expect(cli.notes).toEqual([
      `${root}-state/devices/vm7.bar differs from the registration of VM 7; ` +
        'rewrite it with vgpu-mediator vm add 7 --pool A --priority high --replace',
    ]);
    new Registry(`${root}-state`).set(8, { pool: 'A', priority: 2 });
    await cli.run('vm', 'show', '8', '--libvirt');
    expect(cli.notes[1]).toContain('cannot read');
  });

  test.each([
    { argv: ['9'], code: 'NOT_REGISTERED', text: 'vgpu-mediator vm add 9' },
    { argv: ['07'], code: 'USAGE', text: '<id>' },
    { argv: ['7', '--json', '--qemu'], code: 'USAGE', text: 'mutually exclusive' },
    { argv: ['7', '--exports', '--address', '10.0.0.0/8'], code: 'USAGE', text: 'one machine' },
    { argv: ['7', '--address'], code: 'USAGE', text: 'address' },
    { argv: ['7', '--xen'], code: 'USAGE', text: 'xen' },
  ])('refuses $argv', async ({ argv, code, text }) => {
    const error = await errorOf('vm', 'show', ...argv);
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
    expect(cli.printed).toEqual([]);
  });
});

describe('vm', () => {
  test.each([
    { argv: ['vm'], text: 'expected one of add, set, list, show, suspend, resume, remove' },
    { argv: ['vm', 'frobnicate'], text: 'frobnicate' },
    { argv: ['--once', ...ADD], text: 'once' },
  ])('$argv is refused', async ({ argv, text }) => {
    const error = await errorOf(...argv);
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(text) });
  });

  test.each(['add', 'set', 'list', 'show', 'suspend', 'resume', 'remove'])(
    '%s --help has its own options, examples and statuses',
    async (name) => {
      const text = await cli.helpOf('vm', name);
      expect(text).toContain('Examples:');
      expect(text).toContain('Exit status:');
      for (const option of ['root', 'state-dir', 'config']) expect(text).toContain(`--${option} `);
      const own = ['root', 'state-dir', ...(name === 'set' ? ['rate-limit', 'rate-burst'] : [])];
      for (const option of OPTION_NAMES.filter((each) => !own.includes(each))) {
        expect(text).not.toMatch(new RegExp(`^ +--${option} `, 'm'));
      }
    },
  );

  test('--help lists its commands', async () => {
    const text = await cli.helpOf('vm');
    for (const command of ['vm add <id>', 'vm show <id>', 'vm list', 'vm remove <id>'])
      expect(text).toContain(command);
  });
});

test('words for a shell are quoted where it would take them apart', () => {
  expect(shellWords(['-object', 'a=b,c', '', "it's", 'a b', '$x'])).toBe(
    "-object a=b,c '' 'it'\\''s' 'a b' '$x'",
  );
});
