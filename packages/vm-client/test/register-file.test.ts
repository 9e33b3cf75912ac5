import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeRegisterBlock, REGISTERS } from '@vgpu/protocol';
import { readRegisterFile } from '../src/register-file.js';

let directory: string;
const at = (name: string) => path.join(directory, name);

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-registers-'));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

const failing = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('readRegisterFile', () => {
  const identity = { pool: 'B', priority: 0, vm: 4294967295 } as const;

  test('reads a block, and the first block of a longer file', () => {
    fs.writeFileSync(at('bar'), encodeRegisterBlock(identity));
    expect(readRegisterFile(at('bar'))).toEqual(identity);
    fs.appendFileSync(at('bar'), Buffer.alloc(1 << 20, 0xff));
    expect(readRegisterFile(at('bar'))).toEqual(identity);
  });

  test.each(['POOL_ID', 'PRIORITY', 'VM_ID'] as const)('names a bad %s', (register) => {
    const block = encodeRegisterBlock(identity);
    new DataView(block.buffer).setUint32(REGISTERS[register], register === 'VM_ID' ? 0 : 7, true);
    fs.writeFileSync(at('bar'), block);
    expect(() => readRegisterFile(at('bar'))).toThrow(
      failing('BAD_REGISTERS', new RegExp(register)),
    );
  });

  test('refuses what is too short, also where it never ends or has no other end', () => {
    fs.writeFileSync(at('short'), 'VGPU');
    execFileSync('mkfifo', [at('fifo')]);
    for (const name of [at('short'), at('fifo'), '/dev/null']) {
      expect(() => readRegisterFile(name)).toThrow(failing('BAD_REGISTERS', /20 bytes/));
    }
    expect(() => readRegisterFile('/dev/zero')).toThrow(failing('BAD_REGISTERS', /POOL_ID/));
  });

  test('says what to do where there is no file, or a directory', () => {
    expect(() => readRegisterFile(at('absent'))).toThrow(failing('NO_IDENTITY', /absent.*; give/));
    expect(() => readRegisterFile(directory)).toThrow(failing('NO_IDENTITY', /PCI/));
  });

  test('says that the memory of a process, like that of a device, is not to be read so', () => {
    // Reading address 0 of /proc/self/mem fails with EIO, as reading a memory BAR does.
    expect(() => readRegisterFile('/proc/self/mem')).toThrow(failing('NO_IDENTITY', /EIO.*PCI/));
  });
});
