import { type Identity, priorityName, REGISTER_BLOCK_BYTES } from '@vgpu/protocol';

/**
 * Arguments for QEMU that give a VM its device: shared memory over the file with its register block
 * (vendor 0x1AF4, device 0x1110; the block is BAR2). QEMU opens the file for reading and writing.
 *
 * @param deviceFile The result of `deviceFileOf`.
 */
export function describeQemu(deviceFile: string): string[] {
  // QEMU's options need commas doubled.
  const path = deviceFile.replaceAll(',', ',,');
  const size = `${REGISTER_BLOCK_BYTES / 1024}K`;
  return [
    '-object',
    `memory-backend-file,id=vgpu0,mem-path=${path},size=${size},share=on`,
    '-device',
    'ivshmem-plain,memdev=vgpu0',
  ];
}

/**
 * A fixed slot on the PCI bus: QEMU would use the first free slot, which libvirt gives to another
 * device. libvirt counts from 1, and reaches this slot late.
 */
const LATE_SLOT = 'addr=0x10';

/**
 * The lines of a domain's XML for the same device: arguments that libvirt passes on to QEMU.
 * libvirt's own `<shmem>` takes a name in `/dev/shm` instead of a path, and at least one mebibyte.
 *
 * @param deviceFile The result of `deviceFileOf`.
 */
export function describeLibvirt(deviceFile: string): string {
  const args = describeQemu(deviceFile)
    .map((arg) => (arg.startsWith('ivshmem-plain') ? `${arg},${LATE_SLOT}` : arg))
    .map((arg) => `    <qemu:arg value='${escapeXml(arg)}'/>`);
  return [
    "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>",
    '  <!-- what the domain has already, then: -->',
    '  <qemu:commandline>',
    ...args,
    '  </qemu:commandline>',
    '</domain>',
  ].join('\n');
}

/**
 * Arguments for a QEMU that is patched to have the original device, `vgpu-stub`.
 *
 * @param identity The identity in the device's registers.
 */
export function describeStub({ vm, pool, priority }: Identity): string[] {
  return ['-device', `vgpu-stub,pool_id=${pool},priority=${priorityName(priority)},vm_id=${vm}`];
}

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
