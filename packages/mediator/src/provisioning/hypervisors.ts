import { type Identity, priorityName, REGISTER_BLOCK_BYTES } from '@vgpu/protocol';

/**
 * Arguments for QEMU that give a VM its device: shared memory over the file with its register block
 * (vendor 0x1AF4, device 0x1110; the block is BAR2). QEMU opens the file for reading and writing.
 *
 * @param deviceFile As `deviceFileOf` gives it.
 */
export function describeQemu(deviceFile: string): string[] {
  // In QEMU's options a comma is written twice.
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
 * A slot of its own on the PCI bus: QEMU would give the device the first free one, which libvirt gives
 * to another device. libvirt counts from 1, so that it comes to this one late.
 */
const LATE_SLOT = 'addr=0x10';

/**
 * What libvirt needs in a domain's XML for the same device: arguments that it passes on to QEMU.
 * libvirt's own `<shmem>` takes a name in `/dev/shm` instead of a path, and a mebibyte at least.
 *
 * @param deviceFile As `deviceFileOf` gives it.
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
 * @param identity What the device is to say.
 */
export function describeStub({ vm, pool, priority }: Identity): string[] {
  return ['-device', `vgpu-stub,pool_id=${pool},priority=${priorityName(priority)},vm_id=${vm}`];
}

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
