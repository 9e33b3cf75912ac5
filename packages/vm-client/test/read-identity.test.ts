import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeRegisterBlock, REGISTERS } from '@vgpu/protocol';
import { readIdentity } from '../src/read-identity.js';
import { FakePci, filled, stubBlock } from './fake-pci.js';

// On the real addon: regular files can be mapped as the memory of a device can.

const identity = { pool: 'B', priority: 2, vm: 7 } as const;
const other = { pool: 'A', priority: 0, vm: 8 } as const;

/** Neither firmware nor Linux has turned it on. */
const OFF = { enable: '0', command: 0x0005 };

let pci: FakePci;

beforeEach(() => {
  pci = new FakePci();
});
afterEach(() => {
  pci.remove();
});

const read = (device?: string) => readIdentity(device, pci.devices);

const failing = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'VgpuError', code, message: expect.stringMatching(message) });

/** A block of which one register has another value. */
function blockWith(register: keyof typeof REGISTERS, word: number): Uint8Array {
  const block = encodeRegisterBlock(identity);
  new DataView(block.buffer).setUint32(REGISTERS[register], word, true);
  return block;
}

describe('without a device', () => {
  test('the original one is found', () => {
    pci.add('0000:00:00.0', {});
    pci.addStub('0000:00:05.0', stubBlock(identity));
    expect(read()).toEqual(identity);
  });

  test('the stock one is found by its magic number, whatever else is shared memory', () => {
    pci.addIvshmem('0000:00:05.0', Buffer.from('something else, for Looking Glass'));
    pci.addIvshmem('0000:00:06.0', encodeRegisterBlock(identity));
    expect(read()).toEqual(identity);
  });

  test('shared memory with something else does not disturb the original one', () => {
    pci.addStub('0000:00:05.0', stubBlock(identity));
    pci.addIvshmem('0000:00:06.0', filled(0));
    expect(read()).toEqual(identity);
  });

  test.each([
    ['nothing', () => undefined, /no PCI device has the registers of a VM; give .*--vm-id/],
    [
      'other shared memory',
      () => pci.addIvshmem('0000:00:06.0', filled(7)),
      /without the magic VGPU 0000:00:06\.0 \(ivshmem\); give .*--vm-id.*--device/,
    ],
  ])('and with %s nothing is guessed', (_what, prepare, message) => {
    prepare();
    expect(() => read()).toThrow(failing('NO_IDENTITY', message));
  });

  test('several are listed', () => {
    pci.addStub('0000:00:05.0', stubBlock(identity));
    pci.addIvshmem('0000:00:06.0', encodeRegisterBlock(other));
    pci.addIvshmem('0000:00:07.0', filled(1));
    expect(() => read()).toThrow(
      failing('NO_IDENTITY', /: 0000:00:05\.0 \(stub\), 0000:00:06\.0 \(ivshmem\); .*--device/),
    );
  });

  test('one that can not be read may be the one', () => {
    pci.addIvshmem('0000:00:05.0', encodeRegisterBlock(identity), OFF);
    expect(() => read()).toThrow(failing('NO_IDENTITY', /0000:00:05\.0 does not decode memory/));
    pci.addIvshmem('0000:00:06.0', encodeRegisterBlock(identity));
    expect(() => read()).toThrow(failing('NO_IDENTITY', /several/));
  });

  test('the failure to look is no absence', () => {
    const loop = path.join(pci.root, 'loop');
    fs.symlinkSync('loop', loop);
    expect(() => readIdentity(undefined, loop)).toThrow(
      failing('NO_IDENTITY', /cannot look for PCI devices: ELOOP.*--vm-id/),
    );
  });
});

describe('a device is given', () => {
  let stub: string;
  let ivshmem: string;

  beforeEach(() => {
    stub = pci.addStub('0000:00:05.0', stubBlock(identity));
    ivshmem = pci.addIvshmem('0000:00:06.0', encodeRegisterBlock(other));
  });

  test.each(['0000:00:05.0', '00:05.0'])('by the address %s', (address) => {
    expect(read(address)).toEqual(identity);
  });

  test('by the address as others write it', () => {
    pci.addStub('10000:ab:1f.7', stubBlock(identity));
    expect(read('10000:AB:1F.7')).toEqual(identity);
  });

  test('by its directory, or a link to it', () => {
    expect(read(stub)).toEqual(identity);
    expect(read(`${ivshmem}/`)).toEqual(other);
    expect(read(path.join(pci.devices, '0000:00:06.0'))).toEqual(other);
  });

  test('by the file of its registers, or a link to it', () => {
    expect(read(path.join(stub, 'resource0'))).toEqual(identity);
    expect(read(path.join(ivshmem, 'resource2'))).toEqual(other);
    fs.symlinkSync(path.join(stub, 'resource0'), path.join(pci.root, 'link'));
    expect(read(path.join(pci.root, 'link'))).toEqual(identity);
  });

  test('as a plain file, whatever its name', () => {
    for (const name of ['vm7.bar', 'resource2']) {
      const file = path.join(pci.root, name);
      fs.writeFileSync(file, encodeRegisterBlock(identity));
      expect(read(file)).toEqual(identity);
    }
  });

  test('by other memory of it', () => {
    expect(() => read(path.join(ivshmem, 'resource0'))).toThrow(
      failing('NO_IDENTITY', /resource0" is not the memory.*; give .*resource2$/),
    );
    fs.writeFileSync(path.join(ivshmem, 'resource2_wc'), '');
    expect(() => read(path.join(ivshmem, 'resource2_wc'))).toThrow(
      failing('NO_IDENTITY', /; give .*resource2$/),
    );
  });

  test('that is unknown, which is not read', () => {
    const resources = { resource0: encodeRegisterBlock(identity) };
    const directory = pci.add('0000:00:07.0', { resources });
    for (const name of ['0000:00:07.0', directory, path.join(directory, 'resource0')]) {
      expect(() => read(name)).toThrow(
        failing('NO_IDENTITY', /0x8086 0x1237 0x060000; expected vendor 0x1af4/),
      );
    }
  });

  test('that is no device', () => {
    expect(() => read(pci.root)).toThrow(failing('NO_IDENTITY', /not that of a PCI device/));
    expect(() => read('0000:00:1e.0')).toThrow(failing('NO_IDENTITY', /0000:00:1e\.0.*ENOENT/));
  });
});

describe('what the registers hold is refused by name:', () => {
  const MAGIC = 0x5550_4756;

  test.each([
    ['POOL_ID', 0, /register POOL_ID \(0x008\): .*got 0x00000000/],
    ['POOL_ID', 0x43, /POOL_ID .*0x00000043/],
    ['PRIORITY', 3, /PRIORITY .*0x00000003/],
    ['VM_ID', 0, /VM_ID .*0x00000000/],
  ] as const)('%s %i', (register, word, message) => {
    pci.addStub('0000:00:05.0', blockWith(register, word));
    pci.addIvshmem('0000:00:06.0', blockWith(register, word));
    for (const address of ['0000:00:05.0', '0000:00:06.0']) {
      expect(() => read(address)).toThrow(failing('BAD_REGISTERS', message));
    }
  });

  test('another version', () => {
    pci.addIvshmem('0000:00:06.0', blockWith('VERSION', 2));
    expect(() => read()).toThrow(failing('BAD_REGISTERS', /VERSION \(0x004\): expected 1, got/));
  });

  test('no magic number, where the device alone does not tell', () => {
    pci.addIvshmem('0000:00:06.0', blockWith('MAGIC', MAGIC ^ 1));
    expect(() => read('0000:00:06.0')).toThrow(
      failing('BAD_REGISTERS', /MAGIC \(0x000\): expected 0x55504756 'VGPU', got 0x55504757/),
    );
  });

  test('zeros', () => {
    pci.addStub('0000:00:05.0', filled(0));
    pci.addIvshmem('0000:00:06.0', filled(0));
    for (const address of ['0000:00:05.0', '0000:00:06.0']) {
      expect(() => read(address)).toThrow(failing('BAD_REGISTERS', /all are zero, also POOL_ID/));
    }
  });

  test('ones', () => {
    pci.addStub('0000:00:05.0', filled(0xff), { command: 0xffff });
    expect(() => read()).toThrow(failing('NO_IDENTITY', /read as ones, .*does not answer/));
  });

  test.each([0, 4, 19])('%i bytes, which must not be mapped', (length) => {
    pci.addStub('0000:00:05.0', stubBlock(identity).subarray(0, length));
    expect(() => read()).toThrow(
      failing('BAD_REGISTERS', new RegExp(`expected at least 20 bytes, got ${length} bytes`)),
    );
  });

  test('but as few as are needed are enough', () => {
    pci.addStub('0000:00:05.0', stubBlock(identity).subarray(0, 20));
    expect(read()).toEqual(identity);
  });
});

describe('a device whose memory is off is not mapped:', () => {
  test('COMMAND has bit 1 off, and nobody has enabled it', () => {
    const directory = pci.addStub('0000:00:05.0', filled(0xff), OFF);
    expect(() => read(directory)).toThrow(
      failing(
        'NO_IDENTITY',
        /0000:00:05\.0 does not decode memory .* by: echo 1 > \/.*\/enable, .*vgpu\.rules/,
      ),
    );
  });

  test('COMMAND has bit 1 off', () => {
    pci.addStub('0000:00:05.0', filled(0xff), { command: 0xfffd });
    expect(() => read()).toThrow(
      failing('NO_IDENTITY', /bit 1 of its COMMAND register is 0.*: echo 0 > .*; echo 1 > /),
    );
  });

  test('there is no way to tell', () => {
    const directory = pci.addStub('0000:00:05.0', stubBlock(identity));
    fs.writeFileSync(path.join(directory, 'config'), 'short');
    expect(() => read()).toThrow(failing('NO_IDENTITY', /COMMAND/));
    fs.rmSync(path.join(directory, 'config'));
    expect(() => read()).toThrow(failing('NO_IDENTITY', /ENOENT.*config/));
  });
});

test('a device that the firmware has turned on need not be enabled', () => {
  pci.addStub('0000:00:05.0', stubBlock(identity), { enable: '0' });
  expect(read()).toEqual(identity);
});

test('a BAR that is not there is no register', () => {
  pci.addStub('0000:00:05.0', filled(0), { resources: {} });
  expect(() => read()).toThrow(failing('NO_IDENTITY', /ENOENT.*open '.*resource0'/));
});
