/** The check of exports, against what exportfs 2.6.2 made of the lines in the comments. */
import { mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Diagnosis } from '../../src/doctor/diagnosis.js';
import type { VmDirectoryFacts } from '../../src/doctor/directory-facts.js';
import { type Export, parseExportTable } from '../../src/doctor/export-table.js';
import { checkExports } from '../../src/doctor/exports.js';
import { exportsOfHost } from '../../src/doctor/exports-of-host.js';
import type { Mount } from '../../src/doctor/mount.js';
import { placeExports } from '../../src/doctor/place-exports.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ROOT = '/var/vgpu';
const STATE = '/var/vgpu-state';
const directory = (vm: number): VmDirectoryFacts => ({
  path: `${ROOT}/vm${vm}`,
  kind: 'directory',
  vm,
  uid: 990,
  gid: 60_000 + vm,
  mode: 0o2770,
});

const FILE_SYSTEM: Mount = { id: '1', device: '8:1', part: '/', point: '/', options: [] };
/** `mount --bind /var/vgpu/vm7 /export/vm7`, `mount --bind /var /export/all`, and a file system of VM 9's own. */
const MOUNTS: readonly Mount[] = [
  FILE_SYSTEM,
  { ...FILE_SYSTEM, part: '/var/vgpu/vm7', point: '/export/vm7' },
  { ...FILE_SYSTEM, part: '/var', point: '/export/all' },
  { ...FILE_SYSTEM, part: '/var/vgpu-state', point: '/export/state' },
  { ...FILE_SYSTEM, device: '8:9', point: '/var/vgpu/vm9' },
  { ...FILE_SYSTEM, device: '8:9', point: '/export/vm9' },
];

/** What exportfs writes of `<path> <who>(rw,sync,subtree_check,all_squash,anonuid=6000<vm>,anongid=6000<vm>)`. */
function entry(path: string, who: string, vm: number, ...changes: [from: string, to: string][]) {
  const line =
    `${path}\t${who}(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,all_squash,subtree_check,` +
    `secure_locks,acl,no_pnfs,anonuid=${60_000 + vm},anongid=${60_000 + vm},sec=sys,rw,root_squash,all_squash)`;
  return changes.reduce((text, [from, to]) => text.replaceAll(from, to), line);
}
const own = (vm: number, ...changes: [from: string, to: string][]) =>
  entry(`${ROOT}/vm${vm}`, `10.0.0.${vm}`, vm, ...changes);

function check(table: string, unchecked?: string): Diagnosis[] {
  const directories = [7, 8, 9].map(directory);
  const exports = placeExports(parseExportTable(table), {
    root: ROOT,
    stateDir: STATE,
    directories,
    realPathOf: (path) => path,
    mountOf: (path) =>
      MOUNTS.filter(({ point }) => `${path}/`.startsWith(point === '/' ? '/' : `${point}/`)).at(
        -1,
      ) ?? FILE_SYSTEM,
  });
  const isMountPoint = (path: string) => path === `${ROOT}/vm9`;
  return checkExports({
    ...{ exports, root: ROOT, stateDir: STATE, owner: 990, directories, isMountPoint, unchecked },
  });
}

const resultsOf = (diagnoses: readonly Diagnosis[]) => diagnoses.map(({ result }) => result);
const findingsOf = (table: string) =>
  check(table)
    .filter(({ result }) => result === 'finding')
    .map(({ message }) => message);

describe('exports', () => {
  test('as SECURITY.md has them are well', () => {
    expect(resultsOf(check(`${own(7)}\n${own(8)}\n/srv\t10.0.0.0/8(ro,no_all_squash)\n`))).toEqual([
      'ok',
    ]);
    expect(resultsOf(check(entry(`${ROOT}/vm7`, 'vm7.example.org', 7)))).toEqual(['ok']);
    expect(resultsOf(check(entry(`${ROOT}/vm7`, 'fe80::7', 7)))).toEqual(['ok']);
    // As exportfs -s prints it.
    const printed = `${ROOT}/vm7  10.0.0.7(sync,wdelay,hide,anonuid=60007,anongid=60007,sec=sys,rw,root_squash,all_squash)`;
    expect(resultsOf(check(printed))).toEqual(['ok']);
    // A file system of its own needs no subtree_check.
    expect(resultsOf(check(own(9, ['subtree_check', 'no_subtree_check'])))).toEqual(['ok']);
  });

  test('of other things say nothing', () => {
    expect(resultsOf(check(''))).toEqual(['skipped']);
    const others = '/srv\t*(rw,no_all_squash)\n/var/vgpu2\t(rw)\n';
    expect(resultsOf(check(others))).toEqual(['skipped']);
  });

  test('of one directory to two hosts, on two lines, are found', () => {
    // /var/vgpu/vm7 10.0.0.7(...) and, on a line of its own, /var/vgpu/vm7 10.0.0.8(...)
    const second = entry(`${ROOT}/vm7`, '10.0.0.8', 7);
    expect(findingsOf(`${own(7)}\n${second}`)).toEqual([
      `${ROOT}/vm7 is exported to 10.0.0.7 and 10.0.0.8: each of them can act as the VM`,
    ]);
  });

  test('to everybody by options that stand alone are found', () => {
    // /var/vgpu/vm7 10.0.0.7 -rw,all_squash,...: the host gets the defaults, everybody the options.
    const host = own(7, ['rw,', 'ro,'], [',all_squash', ',no_all_squash'], ['=60007', '=65534']);
    const found = findingsOf(`${host}\n${entry(`${ROOT}/vm7`, '', 7)}`);
    for (const text of [
      'exported to every client',
      'read-only',
      "guest's superuser",
      '10.0.0.7 and every client',
    ]) {
      expect(found).toContainEqual(expect.stringContaining(text));
    }
  });

  test.each([
    '',
    '*',
    '10.0.0.0/24',
    '10.0.0.0/255.255.0.0',
    '@vms',
    'vm?.example.org',
    '*.example.org',
    'gss/krb5',
  ])('to %j are found', (who) => {
    const found = findingsOf(entry(`${ROOT}/vm7`, who, 7));
    expect(found).toEqual([expect.stringContaining('more than one machine')]);
  });

  test.each([ROOT, '/var', '/', '/export/all', '/export/all/vgpu'])(
    'of all VM directories at once are found: %s',
    (path) => {
      const line = `${path}\t10.0.0.4(rw,crossmnt,fsid=0,all_squash,anonuid=1,anongid=1)`;
      expect(findingsOf(line)).toContainEqual(
        expect.stringContaining('including all VM directories'),
      );
    },
  );

  test.each([STATE, '/var', `${STATE}/devices`, '/export/state', '/export/state/devices'])(
    'of the state directory are found: %s',
    (path) => {
      const line = `${path}\t10.0.0.4(ro,all_squash)`;
      expect(findingsOf(line)).toContainEqual(
        expect.stringContaining('including the state directory'),
      );
    },
  );

  test('of a bind mount count as those of what it shows', () => {
    expect(resultsOf(check(entry('/export/vm7', '10.0.0.7', 7)))).toEqual(['ok']);
    expect(findingsOf(entry('/export/vm7', '10.0.0.7', 8))).toEqual([
      expect.stringContaining('has anongid=60008, but its group is 60007'),
    ]);
    expect(findingsOf(`${own(9)}\n${entry('/export/vm9', '10.0.0.7', 9)}`)).toEqual([
      expect.stringContaining('10.0.0.9 and 10.0.0.7'),
    ]);
  });

  test.each([`${ROOT}/other`, `${ROOT}/vm7/below`, '/export/vm7/below'])(
    'of other directories than those of VMs are found: %s',
    (path) => {
      expect(findingsOf(entry(path, '10.0.0.7', 7))).toEqual([
        expect.stringContaining('is not the directory of a VM'),
      ]);
    },
  );

  test.each<[from: string, to: string, text: string]>([
    [',all_squash', ',no_all_squash', "lets the guest's superuser be root"],
    // sec=krb5,all_squash,sec=sys,no_all_squash
    [
      ',sec=sys',
      ',sec=krb5,rw,all_squash,sec=sys,no_all_squash',
      "lets the guest's superuser be root",
    ],
    ['subtree_check', 'no_subtree_check', 'has no subtree_check'],
    ['rw', 'ro', 'is read-only'],
    ['sync', 'async', 'is async'],
    ['anongid=60007', 'anongid=60009', 'has anongid=60009, but its group is 60007'],
    ['anonuid=60007', 'anonuid=0', 'makes the guest user 0'],
    ['anonuid=60007', 'anonuid=990', "or the mediator's user"],
    ['=60007', '=65534', 'has no anonuid and anongid'],
    [',anonuid=60007,anongid=60007', '', 'has no anonuid and anongid'],
  ])('with %s as %s are found', (from, to, text) => {
    expect(findingsOf(own(7, [from, to]))).toEqual([expect.stringContaining(text)]);
  });

  test('that two VMs share are found', () => {
    expect(findingsOf(`${own(7)}\n${own(8, ['10.0.0.8', '10.0.0.7'])}`)).toEqual([
      expect.stringContaining('exported to 10.0.0.7: each'),
    ]);
    expect(findingsOf(`${own(7)}\n${own(8, ['anonuid=60008', 'anonuid=60007'])}`)).toEqual([
      expect.stringContaining('as user 60007'),
    ]);
  });

  test('that cannot all be known are never well', () => {
    expect(check(own(7), 'why')).toEqual([{ result: 'skipped', message: 'not checked: why' }]);
    expect(resultsOf(check(own(7, ['rw', 'ro']), 'why'))).toEqual(['finding', 'skipped']);
  });

  test('in a form that is not known are no exports', () => {
    expect(() => parseExportTable(`${own(7)}\n/x 10.0.0.7(rw`)).toThrow('unknown line of exportfs');
    expect(() => parseExportTable('\u001b[2J')).toThrow(String.raw`exportfs: "\u001b[2J"`);
    expect(parseExportTable('/a\\040b\\134\\042\t10.0.0.7(rw)\n')).toEqual([
      { path: '/a b\\"', who: '10.0.0.7', options: ['rw'] },
    ]);
  });
});

describe('what a host exports', () => {
  let base: string;
  const places = () => ({
    etc: join(base, 'etc'),
    table: join(base, 'etab'),
    programs: [join(base, 'exportfs')],
  });
  const exported = (): [paths: string[], unchecked: string | undefined] => {
    const { exports, unchecked } = exportsOfHost(places());
    return [exports.map(({ path }: Export) => path), unchecked];
  };
  const write = (name: string, text: string, mode = 0o644) => {
    writeFileSync(join(base, name), text, { mode });
  };

  beforeEach(() => {
    base = temporaryDirectory();
    mkdirSync(join(base, 'etc/exports.d'), { recursive: true });
  });

  test('is the table of exportfs', () => {
    write('etc/exports', '/a x(rw)\n');
    write('etc/exports.d/b.exports', '/b x(rw)\n');
    const changeOf = (name: string) => statSync(join(base, name), { bigint: true }).ctimeNs;
    // The kernel's clock goes by ticks.
    do write('etab', `${entry('/a', 'x', 1)}\n${entry('/b', 'x', 2)}\n`);
    while (changeOf('etab') <= changeOf('etc/exports.d/b.exports'));
    write('exportfs', '#!/bin/sh\nexit 1\n', 0o755);
    expect(exported()).toEqual([['/a', '/b'], undefined]);
  });

  test.each(['etc/exports', 'etc/exports.d/b.exports'])(
    'may be more where %s has changed since',
    (name) => {
      write('etab', `${entry('/a', 'x', 1)}\n`);
      write(name, '/b *(rw)\n');
      // A copy may have kept the time of before; not so the time of the change of the file.
      utimesSync(join(base, name), 1, 1);
      expect(exported()).toEqual([['/a'], expect.stringContaining(join(base, name))]);
    },
  );

  test('may be more where the server was stopped, which empties the table', () => {
    write('etc/exports', '/a x(rw)\n');
    write('etab', '');
    expect(exported()).toEqual([[], expect.stringContaining('run exportfs -ra')]);
    write('etc/exports', '# nothing\n\n');
    expect(exported()).toEqual([[], undefined]);
  });

  test('is what exportfs prints where its table lies elsewhere', () => {
    write('exportfs', `#!/bin/sh\ntest "$1" = -s && echo '/a  x(rw)'\n`, 0o755);
    expect(exported()).toEqual([['/a'], undefined]);
    write('etc/exports', '/a x(rw)\n');
    expect(exported()).toEqual([['/a'], expect.stringContaining('exportfs -v')]);
    write('exportfs', '#!/bin/sh\necho no permission >&2; exit 1\n', 0o755);
    expect(exported).toThrow('no permission');
  });

  test('is not known without exportfs', () => {
    expect(exported()).toEqual([[], undefined]);
    write('etc/exports.d/a.exports', '/a x(rw)\n');
    symlinkSync('a.exports', join(base, 'etc/exports.d/.b.exports'));
    expect(exported()).toEqual([
      [],
      expect.stringMatching(/^\S+a\.exports, since exportfs, which/),
    ]);
  });
});
