import { describe, expect, test } from '@jest/globals';
import { describeLibvirt, describeQemu, describeStub } from '../../src/provisioning/hypervisors.js';

const FILE = '/var/vgpu-state/devices/vm7.bar';

describe('what a hypervisor is told', () => {
  test('QEMU: shared memory over the register block', () => {
    expect(describeQemu(FILE)).toEqual([
      '-object',
      `memory-backend-file,id=vgpu0,mem-path=${FILE},size=4K,share=on`,
      '-device',
      'ivshmem-plain,memdev=vgpu0',
    ]);
  });

  test('QEMU: a comma in a path ends no option', () => {
    expect(describeQemu('/srv/a,share=off/vm7.bar')[1]).toContain(
      'mem-path=/srv/a,,share=off/vm7.bar,size=4K,',
    );
  });

  test("libvirt: QEMU's arguments, in order, in its own namespace", () => {
    const xml = describeLibvirt(FILE);
    expect(xml).toContain("xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'");
    const args = [...xml.matchAll(/<qemu:arg value='([^']*)'\/>/g)].map(([, arg]) => arg);
    // A slot of its own, or libvirt's devices would find theirs taken.
    expect(args).toEqual([
      ...describeQemu(FILE).slice(0, 3),
      'ivshmem-plain,memdev=vgpu0,addr=0x10',
    ]);
  });

  test('libvirt: no path ends an attribute', () => {
    const xml = describeLibvirt(`/srv/<a>&'"/vm7.bar`);
    expect(xml).toContain('mem-path=/srv/&#60;a&#62;&#38;&#39;&#34;/vm7.bar,');
  });

  test.each([
    { priority: 0, name: 'low' },
    { priority: 1, name: 'medium' },
    { priority: 2, name: 'high' },
  ] as const)('the original device: priority $priority by its name', ({ priority, name }) => {
    expect(describeStub({ vm: 4_294_967_295, pool: 'B', priority })).toEqual([
      '-device',
      `vgpu-stub,pool_id=B,priority=${name},vm_id=4294967295`,
    ]);
  });
});
