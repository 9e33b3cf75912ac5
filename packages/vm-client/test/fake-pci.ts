import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { encodeRegisterBlock, type Identity } from '@vgpu/protocol';

/** What the files of a device in sysfs hold. */
interface DeviceFiles {
  readonly vendor: string;
  readonly device: string;
  readonly class: string;
  readonly enable: string;
  /** The COMMAND register; bit 1 is memory decoding. */
  readonly command: number;
  /** What the resource files hold, by name. */
  readonly resources: Readonly<Record<string, Uint8Array>>;
}

/** A block as the original device has it: its own command and status before the identity. */
export function stubBlock(identity: Identity): Uint8Array {
  const block = encodeRegisterBlock(identity);
  block.fill(0, 0, 8);
  return block;
}

export const filled = (byte: number): Uint8Array => new Uint8Array(4096).fill(byte);

/**
 * A tree like /sys, on a tmpfs where there is one. What stands for the memory of a device are
 * regular files, which can be mapped like it.
 */
export class FakePci {
  /** Stands for /sys. */
  readonly root: string;
  /** Stands for /sys/bus/pci/devices. */
  readonly devices: string;

  constructor() {
    const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
    this.root = fs.mkdtempSync(path.join(parent, 'vgpu-sys-'));
    fs.chmodSync(this.root, 0o755);
    this.devices = path.join(this.root, 'bus/pci/devices');
    fs.mkdirSync(this.devices, { recursive: true });
  }

  /** A device of any kind; by default one that is on and that nobody knows. Gives its directory. */
  add(address: string, files: Partial<DeviceFiles>): string {
    const directory = path.join(this.root, 'devices/pci0000:00', address);
    fs.mkdirSync(directory, { recursive: true });
    const link = path.join(this.devices, address);
    fs.symlinkSync(path.relative(this.devices, directory), link);
    const write = (name: string, content: string | Uint8Array) => {
      fs.writeFileSync(path.join(directory, name), content);
    };
    const { enable = '1', command = 0x0007, resources = {} } = files;
    write('vendor', `${files.vendor ?? '0x8086'}\n`);
    write('device', `${files.device ?? '0x1237'}\n`);
    write('class', `${files.class ?? '0x060000'}\n`);
    write('enable', `${enable}\n`);
    const config = Buffer.alloc(64);
    config.writeUInt16LE(command, 4);
    write('config', config);
    for (const [name, content] of Object.entries(resources)) write(name, content);
    return directory;
  }

  /** The original device. */
  addStub(address: string, registers: Uint8Array, files: Partial<DeviceFiles> = {}): string {
    const ids = { vendor: '0x1af4', device: '0x1111', class: '0x120000' };
    return this.add(address, { ...ids, resources: { resource0: registers }, ...files });
  }

  /** QEMU's ivshmem-plain: its own registers are BAR 0. */
  addIvshmem(address: string, memory: Uint8Array, files: Partial<DeviceFiles> = {}): string {
    const ids = { vendor: '0x1af4', device: '0x1110', class: '0x050000' };
    const resources = { resource0: filled(0).subarray(0, 256), resource2: memory };
    return this.add(address, { ...ids, resources, ...files });
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true });
  }
}
