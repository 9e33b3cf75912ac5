import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeRegisterBlock, ErrorCode } from '@vgpu/protocol';
import { NOBODY, PublicPrograms } from '../../../tests/support/public-programs.js';
import { answer, FakeMediator, neverAnswer } from './fake-mediator.js';
import { STATUS_OF_REJECTION } from './statuses.js';

// These tests run what `pnpm build` has built.
const BIN = fileURLToPath(new URL('../bin/vgpu-vm-client.js', import.meta.url));

let mediator: FakeMediator;

beforeEach(() => {
  mediator = new FakeMediator();
});
afterEach(() => {
  expect(mediator.files()).toEqual([]);
  mediator.close();
});

interface StartOptions {
  readonly env?: Record<string, string>;
  readonly stdio?: StdioOptions;
  readonly uid?: number;
  /** Node and the program, if not those of the checkout. */
  readonly program?: readonly string[];
  /** Runs through this shell command, which gets the program as its arguments. */
  readonly shell?: string;
}

/** Starts the program in the root of the fake; only the given variables of ours are set. */
function start(
  args: string[],
  { env = {}, shell, program = [process.execPath, BIN], ...options }: StartOptions = {},
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VGPU_'));
  const whole = [...program, ...args];
  const [command = '', ...rest] =
    shell === undefined ? whole : ['/bin/sh', '-c', shell, 'sh', ...whole];
  return spawn(command, rest, {
    cwd: mediator.root,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
}

async function outcome(child: ChildProcess) {
  const [stdout, stderr, [status, signal]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { stdout, stderr, status, signal };
}

/** Runs the program to its end, as VM 1 of the fake. */
const run = (args: string[], options?: StartOptions) =>
  outcome(
    start([...unless(args, '--root', '.'), ...unless(args, '--vm-id', '1'), ...args], options),
  );

/** An option with its value, unless it is given. */
const unless = (args: string[], option: string, value: string) =>
  args.includes(option) ? [] : [option, value];

/** Runs it with nothing but these arguments. */
const runBare = (args: string[], options?: StartOptions) => outcome(start(args, options));

const ok = (stdout: string) => ({ stdout, stderr: '', status: 0, signal: null });

/** One line on standard error, nothing on standard output, and this status. */
const failed = (status: number, message: RegExp) => ({
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^vgpu-vm-client: .*${message.source}.*\n$`)),
  status,
  signal: null,
});

describe('the sum', () => {
  test.each([
    [['100', '200'], '300\n'],
    [['-5', '3'], '-2\n'],
    [['-1,-2', '3,4'], '2,2\n'],
    [['1,2,3', '10,20,30', '--priority', 'low'], '11,22,33\n'],
    [['2147483647', '1'], '-2147483648\n'],
    [['0', '0', '--plain'], '0\n'],
  ])('of %j is printed, and nothing else', async (args, stdout) => {
    expect(await run(args)).toEqual(ok(stdout));
  });

  test('comes as one line of JSON', async () => {
    const { stdout, ...rest } = await run(['100', '200', '--json', '--priority', 'high']);
    expect(rest).toEqual({ stderr: '', status: 0, signal: null });
    expect(stdout).toMatch(/^\{"sum":300,.*\}\n$/);
    const slot = expect.stringMatching(/^[A-Za-z0-9_-]{36}$/);
    const waitMs = expect.any(Number);
    expect(JSON.parse(stdout)).toEqual({ sum: 300, vm: 1, pool: 'A', priority: 2, slot, waitMs });
  });

  test('of lists comes as an array', async () => {
    const { stdout } = await run(['1,2', '3,4', '--json', '--plain']);
    expect(JSON.parse(stdout)).toMatchObject({ sum: [4, 6], slot: '.' });
  });

  test('comes with identity, slot and time on standard error', async () => {
    const { stdout, stderr, status } = await run(['1', '2', '--verbose', '--priority', '0']);
    expect([stdout, status]).toEqual(['3\n', 0]);
    expect(stderr).toMatch(
      /^vm 1, pool A, priority low, root \.\nslot [\w-]{36}, response after [\d.]+ ms\n$/,
    );
  });
});

describe('identity and settings', () => {
  test('come from the environment', async () => {
    const env = {
      VGPU_ROOT: mediator.root,
      VGPU_VM_ID: '1',
      VGPU_POOL: 'B',
      VGPU_PRIORITY: 'low',
      VGPU_JSON: '1',
    };
    const { stdout } = await runBare(['1', '2'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ sum: 3, vm: 1, pool: 'B', priority: 0 });
    expect(await runBare(['1', '2', '--json=false'], { env })).toEqual(ok('3\n'));
    expect(mediator.seen).toEqual(['B:0:1:1:2\n', 'B:0:1:1:2\n']);
  });

  test('come from the registers, and flags override them', async () => {
    const block = encodeRegisterBlock({ vm: 1, pool: 'B', priority: 2 });
    fs.writeFileSync(path.join(mediator.root, 'bar'), block);
    const device = ['--root', '.', '--device', 'bar', '1', '2'];
    expect(await runBare(device)).toEqual(ok('3\n'));
    expect(await runBare([...device, '--priority', '0'])).toEqual(ok('3\n'));
    expect(await runBare([...device, '--pool', 'A'])).toEqual(ok('3\n'));
    expect(mediator.seen).toEqual(['B:2:1:1:2\n', 'B:0:1:1:2\n', 'A:2:1:1:2\n']);
  });

  test('are needed', async () => {
    expect(await runBare(['1', '2', '--root', '.'])).toEqual(failed(69, /--vm-id.*--device/));
  });

  test('are not guessed from bad registers', async () => {
    fs.writeFileSync(path.join(mediator.root, 'bar'), Buffer.alloc(4096));
    expect(await run(['1', '2', '--device', 'bar'])).toEqual(failed(78, /POOL_ID/));
    expect(await run(['1', '2', '--device', 'absent'])).toEqual(failed(69, /absent/));
  });
});

describe('wrong use is 64, without a stack trace:', () => {
  test.each([
    [[], /two operands/],
    [['1'], /two operands/],
    [['1', '2', '3'], /two operands/],
    [['1', '2', '--rooot', 'x'], /unknown option "--rooot".*--help/],
    [['1', '2', '--timeout', '0'], /--timeout: expected/],
    [['1', '2', '--pool', 'C'], /--pool: expected/],
    [['1e3', '2'], /a: expected .*, got "1e3"/],
    [['1', '0x10'], /b: expected/],
    [['007', '1'], /a: expected/],
    [['+5', '1'], /a: expected/],
    [[' 5', '1'], /a: expected/],
    [['2147483648', '1'], /a: expected .*2147483647/],
    [['1,2', '1'], /as many/],
    [[Array(20_000).fill(1).join(), Array(20_000).fill(1).join()], /65536 bytes/],
  ])('case %#', async (args, message) => {
    expect(await run(args)).toEqual(failed(64, message));
    expect(mediator.seen).toEqual([]);
  });
});

describe('the exit status', () => {
  test.each(ErrorCode.options)('says what the mediator answered: %s', async (code) => {
    mediator.behaviour = answer(`ERROR:${code}:because\n`);
    expect(await run(['1', '2'])).toEqual(
      failed(STATUS_OF_REJECTION[code], new RegExp(`${code}: because`)),
    );
  });

  test('is 69 without a share', async () => {
    expect(await run(['1', '2', '--root', './nowhere'])).toEqual(failed(69, /nowhere\/vm1.*mount/));
    expect(await run(['1', '2', '--vm-id', '2'])).toEqual(failed(69, /\/vm2.*mount/));
  });

  test('is 70 for an invalid response', async () => {
    mediator.behaviour = answer('nonsense\n');
    expect(await run(['1', '2'])).toEqual(failed(70, /answer: .*nonsense/));
  });

  test('is 73 where the request can not be created', async () => {
    // No byte may be written to a file, and the signal that says so is ignored.
    const shell = 'trap "" XFSZ; ulimit -f 0; exec "$@"';
    expect(await run(['1', '2'], { shell })).toEqual(failed(73, /EFBIG/));
  });

  test('is 75 without an answer in time', async () => {
    mediator.behaviour = neverAnswer;
    expect(await run(['1', '2', '--timeout', '50'])).toEqual(failed(75, /within 50 ms/));
  });

  test('is 75 while another client uses the plain slot', async () => {
    mediator.behaviour = neverAnswer;
    mediator.write('request.txt', 'A:1:1:1:1\n');
    expect(await run(['1', '2', '--plain'])).toEqual(failed(75, /request.txt/));
    fs.rmSync(mediator.path('request.txt'));
  });

  test('is 77 without permission', async () => {
    fs.chmodSync(mediator.directory, 0o555);
    const args = ['1', '2', '--root', '.', '--vm-id', '1'];
    if (process.getuid?.() === 0) {
      // Root may write everywhere: become the user nobody.
      const programs = await PublicPrograms.make();
      const { node, client } = programs;
      expect(await outcome(start(args, { uid: NOBODY, program: [node, client] }))).toEqual(
        failed(77, /EACCES/),
      );
      programs.remove();
    } else {
      expect(await runBare(args)).toEqual(failed(77, /EACCES/));
    }
    fs.chmodSync(mediator.directory, 0o755);
  });

  test('is 78 for a variable that makes no sense', async () => {
    const env = { VGPU_PRIORITY: 'urgent' };
    expect(await run(['1', '2'], { env })).toEqual(failed(78, /VGPU_PRIORITY: expected/));
  });
});

describe('with --json an error', () => {
  test.each([
    ['of the command line', ['1', '2', '--rooot'], 64, 'USAGE'],
    ['of an operand', ['1', 'x'], 64, 'BAD_REQUEST'],
    ['of the mediator', ['1', '2'], 65, 'SUSPENDED'],
  ])('%s is one line of JSON on standard error', async (_what, args, status, code) => {
    mediator.behaviour = answer('ERROR:SUSPENDED:by the administrator\n');
    const { stderr, ...rest } = await run([...args, '--json']);
    expect(rest).toEqual({ stdout: '', status, signal: null });
    expect(stderr).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(stderr)).toEqual({ error: { code, message: expect.any(String) } });
  });
});

test('the environment asks for JSON of an error too', async () => {
  const { stderr } = await runBare(['1', '2'], { env: { VGPU_JSON: 'true' } });
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NO_IDENTITY' } });
});

describe('--help and --version', () => {
  test('print to standard output whatever else is wrong', async () => {
    const env = { VGPU_JSON: 'nonsense' };
    const help = await runBare(['--help'], { env });
    expect(help).toMatchObject({ stderr: '', status: 0 });
    expect(help.stdout).toContain('--vm-id');
    const manifest = fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    expect(await runBare(['--version'], { env })).toEqual(ok(`${version}\n`));
  });
});

describe('signals', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s withdraws the request and ends the process',
    async (signal) => {
      mediator.behaviour = neverAnswer;
      const child = start(['1', '2', '--root', '.', '--vm-id', '1']);
      const ended = outcome(child);
      await mediator.sawRequests();
      child.kill(signal);
      expect(await ended).toMatchObject({ stdout: '', status: null, signal });
      expect(mediator.files()).toEqual([]);
    },
  );
});

describe('standard output', () => {
  test('whose reader has gone ends it quietly, and is no success', async () => {
    const child = start(['1', '2', '--root', '.', '--vm-id', '1']);
    child.stdout?.destroy();
    const [stderr, [status]] = await Promise.all([
      child.stderr === null ? '' : text(child.stderr),
      once(child, 'close') as Promise<[number]>,
    ]);
    expect([stderr, status]).toEqual(['', 141]);
  });

  test('that takes nothing is no success', async () => {
    const full = fs.openSync('/dev/full', 'w');
    const result = await run(['1', '2'], { stdio: ['ignore', full, 'pipe'] });
    fs.closeSync(full);
    expect(result).toEqual(failed(73, /ENOSPC/));
  });
});

describe('the library in a process of its own', () => {
  const library = new URL('../dist/index.js', import.meta.url).href;
  const script = (body: string) =>
    outcome(
      spawn(process.execPath, ['--input-type=module', '-e', body], {
        cwd: mediator.root,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );

  test('an idle client does not keep the process alive', async () => {
    const result = await script(`
      import { VgpuClient } from '${library}';
      const client = new VgpuClient({ root: '.', vmId: 1 });
      console.log(await client.add(1, 2));
      const idleSince = performance.now();
      process.on('exit', () => console.log(performance.now() - idleSince < 900));
    `);
    // The client would let go of the share by itself after 1000 ms.
    expect(result).toEqual(ok('3\ntrue\n'));
  });

  test('importing it reads and starts nothing', async () => {
    const result = await script(`await import('${library}');`);
    expect(result).toEqual(ok(''));
  });
});
