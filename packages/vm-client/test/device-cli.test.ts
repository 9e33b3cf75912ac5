import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeRegisterBlock } from '@vgpu/protocol';
import { describeIf } from '../../../tests/support/describe-if.js';
import { environment, run } from '../../../tests/support/processes.js';
import { asUser, describeAsOthers, NOBODY } from '../../../tests/support/public-programs.js';
import { FakeMediator } from './fake-mediator.js';
import { FakePci, filled, stubBlock } from './fake-pci.js';
import { canMount, HOW_TO_MOUNT, inPlaceOf } from './namespace.js';

// These tests run what `pnpm build` has built.
const BIN = fileURLToPath(new URL('../bin/vgpu-vm-client.js', import.meta.url));

let mediator: FakeMediator;
let pci: FakePci;

beforeEach(() => {
  mediator = new FakeMediator();
  pci = new FakePci();
});
afterEach(() => {
  mediator.close();
  pci.remove();
});

const identity = { vm: 1, pool: 'B', priority: 2 } as const;
const ok = { status: 0, stdout: '3\n', stderr: '' };

const failed = (status: number, message: RegExp) => ({
  status,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^vgpu-vm-client: .*${message.source}.*\n$`)),
});

/** Adds 1 and 2 in the root of the fake mediator; `through` is a command that starts it. */
function add(args: readonly string[] = [], through: readonly string[] = [], env = {}) {
  const program = [process.execPath, BIN, '1', '2', '--root', '.', ...args];
  const [command = '', ...rest] = [...through, ...program];
  return run(command, rest, { cwd: mediator.root, env: { ...environment, ...env } });
}

describe('--device', () => {
  test('takes a directory of sysfs, and a resource file', async () => {
    const directory = pci.addStub('0000:00:05.0', stubBlock(identity));
    expect(await add(['--device', directory])).toEqual(ok);
    expect(await add([], [], { VGPU_DEVICE: path.join(directory, 'resource0') })).toEqual(ok);
    expect(mediator.seen).toEqual(['B:2:1:1:2\n', 'B:2:1:1:2\n']);
  });

  test.each([
    [
      'whose memory is off',
      69,
      { enable: '0', command: 0 },
      stubBlock(identity),
      /echo 1 > .*enable/,
    ],
    ['that does not answer', 69, {}, filled(0xff), /does not answer/],
    ['without registers', 78, {}, filled(0), /all are zero/],
    ['with a wrong register', 78, {}, filled(1), /register POOL_ID/],
  ])('of a device %s ends with %i', async (_what, status, files, registers, message) => {
    const directory = pci.addStub('0000:00:05.0', registers, files);
    expect(await add(['--device', directory])).toEqual(failed(status, message));
    expect(mediator.seen).toEqual([]);
  });
});

describeAsOthers('a user other than root', (programs) => {
  const addAsNobody = (...args: string[]) => {
    const command = asUser(NOBODY, [programs().node, programs().client, '1', '2', '--root', '.']);
    return run('setpriv', [...command, ...args], { cwd: mediator.root });
  };
  let directory: string;

  beforeEach(() => {
    directory = pci.addStub('0000:00:05.0', stubBlock(identity));
    fs.chmodSync(mediator.directory, 0o777);
    fs.chmodSync(path.join(directory, 'resource0'), 0o600);
  });

  test('is told of the udev rule, which is there', async () => {
    const outcome = await addAsNobody('--device', directory);
    expect(outcome).toEqual(failed(77, /EACCES.*resource0'; run as root, or .*60-vgpu\.rules/));
    const [, rule = ''] = /, or (?:\S+ )*?(\/.*\.rules)/.exec(outcome.stderr) ?? [];
    expect(fs.readFileSync(rule, 'utf8')).toContain('SUBSYSTEM');
  });

  test('needs no more than what that rule gives: a group that may read', async () => {
    fs.chownSync(path.join(directory, 'resource0'), 0, NOBODY);
    fs.chmodSync(path.join(directory, 'resource0'), 0o440);
    expect(await addAsNobody('--device', directory)).toEqual(ok);
  });
});

describeIf(canMount(), HOW_TO_MOUNT, 'the devices of this machine', () => {
  const here = () => inPlaceOf([pci.root, '/sys']);

  test('are looked through if nothing else says which VM this is', async () => {
    pci.addStub('0000:00:05.0', stubBlock(identity));
    expect(await add([], here())).toEqual(ok);
    expect(await add(['--priority', 'low'], here())).toEqual(ok);
    expect(mediator.seen).toEqual(['B:2:1:1:2\n', 'B:0:1:1:2\n']);
  });

  test('are chosen by their address', async () => {
    pci.addStub('0000:00:05.0', stubBlock({ ...identity, vm: 2 }));
    pci.addIvshmem('0000:00:06.0', encodeRegisterBlock(identity));
    expect(await add([], here())).toEqual(failed(69, /several .*05\.0 .*06\.0 .*--device/));
    expect(await add(['--device', '0000:00:06.0'], here())).toEqual(ok);
  });

  test('may be none', async () => {
    expect(await add([], here())).toEqual(failed(69, /no PCI device .*--vm-id.*--device/));
    expect(await add(['--json'], here())).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/^\{"error":\{"code":"NO_IDENTITY",.*\}\n$/),
    });
  });

  test('are not read with --vm-id', async () => {
    pci.addStub('0000:00:05.0', filled(0));
    expect(await add(['--vm-id', '1'], here())).toEqual(ok);
    expect(mediator.seen).toEqual(['A:1:1:1:2\n']);
  });
});

describe('the loaded modules', () => {
  /** Writes every module of ours to standard error. */
  const spy = `data:text/javascript,${encodeURIComponent(`
    import fs from 'node:fs';
    import { register } from 'node:module';
    const hooks = "import fs from 'node:fs';" +
      'export function load(url, context, next) {' +
      '  fs.writeSync(2, "loads " + url + "\\\\n"); return next(url, context); }';
    register('data:text/javascript,' + encodeURIComponent(hooks));`)}`;

  /** The names of modules of ours among these. */
  async function loaded(...args: string[]): Promise<string[]> {
    const options = { NODE_OPTIONS: `--import ${spy}` };
    const { status, stderr } = await add(args, [], options);
    expect(status).toBe(0);
    expect(stderr).toContain('/dist/bin.js\n');
    const names = ['read-identity.js', 'device-memory.js', 'register-file.js'];
    return names.filter((name) => stderr.includes(`${name}\n`));
  }

  test('is only what a call uses', async () => {
    const directory = pci.addStub('0000:00:05.0', stubBlock(identity));
    const file = path.join(directory, 'copy');
    fs.writeFileSync(file, encodeRegisterBlock(identity));
    const modules = ['read-identity.js', 'device-memory.js', 'register-file.js'];
    expect(await loaded('--vm-id', '1')).toEqual([]);
    expect(await loaded('--device', file)).toEqual(modules);
    expect(await loaded('--device', directory)).toEqual(modules);
  });
});
