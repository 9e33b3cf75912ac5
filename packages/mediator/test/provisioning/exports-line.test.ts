import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { exportsLine } from '../../src/provisioning/exports-line.js';

const lineFor = (address: string) => exportsLine('/var/vgpu', 7, { address, gid: 60_007 });

describe('the line for /etc/exports', () => {
  test.each([7, 8])('of VM %i is the one in SECURITY.md', (vm) => {
    const security = readFileSync(new URL('../../../../SECURITY.md', import.meta.url), 'utf8');
    const line = exportsLine('/var/vgpu', vm, { address: `10.0.0.${vm}`, gid: 60_000 + vm });
    expect(security.split('\n')).toContain(line);
  });

  test('has placeholders for unknown values, which no server accepts', () => {
    expect(exportsLine('/var/vgpu', 7)).toBe(
      '/var/vgpu/vm7  ADDRESS-OF-VM7(rw,sync,subtree_check,all_squash,' +
        'anonuid=GROUP-OF-VM7,anongid=GROUP-OF-VM7)',
    );
  });

  test('writes what would end the path as exports(5) says', () => {
    expect(exportsLine('/srv/a b\t#"\\c', 7)).toMatch(
      /^\/srv\/a\\040b\\011\\043\\042\\134c\/vm7 {2}ADDRESS/,
    );
  });

  test.each(['10.0.0.7', 'fd00::7', 'vm7', 'vm7.example.org', 'vm-7.example.org'])(
    'takes one machine: %s',
    (address) => {
      expect(lineFor(address)).toContain(`  ${address}(rw,`);
    },
  );

  test.each([
    '*',
    '*.example.org',
    '10.0.0.0/24',
    'fd00::/64',
    '@group',
    '10.0.0.300',
    '10.0.7',
    'a b',
    'vm7(rw)',
    '',
    '-vm7',
    'vm7\n/ *(rw)',
  ])('refuses what may be another machine, or is none: %j', (address) => {
    expect(() => lineFor(address)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('one machine') }),
    );
  });
});
