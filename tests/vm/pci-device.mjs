// The original "vgpu-stub" device, for a QEMU that was not patched: PCI 1af4:1111, class 0x1200,
// BAR0 of 4 KiB with the registers. QEMU's `x-pci-proxy-dev` (multi-process QEMU, experimental)
// sends each access of the guest over a socket, and this is the other end of it. The messages are
// those of QEMU's `include/hw/remote/mpqemu-link.h`.

const VENDOR = 0x1af4;
const DEVICE = 0x1111;
const PROCESSING_ACCELERATOR = 0x1200;
const BAR_BYTES = 4096;

/** Offsets in the configuration space. */
const CONFIG = { VENDOR: 0, DEVICE: 2, COMMAND: 4, REVISION: 8, CLASS: 10, LATENCY: 12 };
const BAR_0 = 0x10;
const SUBSYSTEM = 0x2c;
const INTERRUPT_LINE = 0x3c;

/** Kinds of messages. Those that are not here (shared memory, interrupts) want no reply. */
const MESSAGE = {
  RETURN: 1,
  CONFIG_WRITE: 2,
  CONFIG_READ: 3,
  BAR_WRITE: 4,
  BAR_READ: 5,
  RESET: 7,
};
const HEADER_BYTES = 16;

/** What a read that the device does not support gives, as on a real bus. */
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** The remote end of one guest's device. */
export class PciDevice {
  /** @type {Buffer} */
  #registers;
  #config = Buffer.alloc(256);
  /** Bits of the configuration space that a guest may change. */
  #writable = Buffer.alloc(256);
  #received = Buffer.alloc(0);
  /** Reads of registers; writes that were ignored; reads that were not of one aligned register. */
  counts = { reads: 0, writes: 0, oddReads: 0 };

  /**
   * @param {import('node:stream').Duplex} socket to QEMU
   * @param {Uint8Array} registers what BAR0 holds
   */
  constructor(socket, registers) {
    this.#registers = Buffer.from(registers);
    this.#config.writeUInt16LE(VENDOR, CONFIG.VENDOR);
    this.#config.writeUInt16LE(DEVICE, CONFIG.DEVICE);
    this.#config[CONFIG.REVISION] = 1;
    this.#config.writeUInt16LE(PROCESSING_ACCELERATOR, CONFIG.CLASS);
    this.#config.writeUInt16LE(VENDOR, SUBSYSTEM);
    this.#config.writeUInt16LE(DEVICE, SUBSYSTEM + 2);
    // I/O, memory, bus master, interrupt off.
    this.#writable.writeUInt16LE(0x0407, CONFIG.COMMAND);
    this.#writable[CONFIG.LATENCY] = 0xff;
    this.#writable[INTERRUPT_LINE] = 0xff;
    // That the low bits stay zero is how a BAR says its size.
    this.#writable.writeUInt32LE(-BAR_BYTES >>> 0, BAR_0);
    socket.on('data', (/** @type {Buffer} */ chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      for (let message = this.#next(); message; message = this.#next()) {
        const value = this.#handle(message.kind, message.body);
        if (value !== undefined) socket.write(reply(value));
      }
    });
    // QEMU has ended.
    socket.on('error', () => undefined);
  }

  #next() {
    if (this.#received.length < HEADER_BYTES) return undefined;
    const kind = this.#received.readInt32LE(0);
    const end = HEADER_BYTES + Number(this.#received.readBigUInt64LE(8));
    if (this.#received.length < end) return undefined;
    const body = this.#received.subarray(HEADER_BYTES, end);
    this.#received = this.#received.subarray(end);
    return { kind, body };
  }

  /** @param {number} kind @param {Buffer} body @returns {bigint | undefined} what to reply */
  #handle(kind, body) {
    switch (kind) {
      case MESSAGE.CONFIG_READ:
        return littleEndian(this.#config, body.readUInt32LE(0), body.readInt32LE(8));
      case MESSAGE.CONFIG_WRITE:
        this.#configure(body.readUInt32LE(0), body.subarray(4, 4 + body.readInt32LE(8)));
        return 0n;
      case MESSAGE.BAR_READ:
        // The address is the guest's physical one; BARs are aligned to their size.
        return this.#read(
          Number(body.readBigUInt64LE(0) % BigInt(BAR_BYTES)),
          body.readInt32LE(16),
        );
      case MESSAGE.BAR_WRITE:
        this.counts.writes += 1;
        return 0n;
      case MESSAGE.RESET:
        return 0n;
      default:
        return undefined;
    }
  }

  #read(/** @type {number} */ offset, /** @type {number} */ size) {
    if (size !== 4 || offset % 4 !== 0) {
      this.counts.oddReads += 1;
      return ALL_ONES;
    }
    this.counts.reads += 1;
    return littleEndian(this.#registers, offset, size);
  }

  #configure(/** @type {number} */ offset, /** @type {Buffer} */ bytes) {
    for (const [index, byte] of bytes.entries()) {
      const mask = this.#writable[offset + index] ?? 0;
      const old = this.#config[offset + index] ?? 0;
      this.#config[offset + index] = (old & ~mask) | (byte & mask);
    }
  }
}

/** @param {Buffer} bytes @param {number} offset @param {number} size */
function littleEndian(bytes, offset, size) {
  let value = 0n;
  for (let index = size - 1; index >= 0; index -= 1) {
    value = (value << 8n) | BigInt(bytes[offset + index] ?? 0);
  }
  return value;
}

function reply(/** @type {bigint} */ value) {
  const message = Buffer.alloc(HEADER_BYTES + 8);
  message.writeInt32LE(MESSAGE.RETURN, 0);
  message.writeBigUInt64LE(8n, 8);
  message.writeBigUInt64LE(value, HEADER_BYTES);
  return message;
}
