import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { sourceHash } from '../packages/linux/scripts/source-hash.mjs';
import { environment } from './support/processes.js';

const packages = resolve(import.meta.dirname, '../packages');
const platform = `${process.platform}-${process.arch}`;
const base = mkdtempSync(join(tmpdir(), 'vgpu-addons-'));
// Another user is to read it, too.
chmodSync(base, 0o755);
afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

/** A package with an addon, its file, and the module and the function that load it. */
interface Package {
  readonly name: string;
  readonly file: string;
  readonly loader: readonly [module: string, name: string];
}

const LINUX: Package = {
  name: 'linux',
  file: 'vgpu_linux.node',
  loader: ['addon', 'requireAddon'],
};
const PACKAGES: readonly Package[] = [
  { name: 'cuda-binding', file: 'vgpu_cuda.node', loader: ['native', 'loadAddon'] },
  LINUX,
];

/** A good addon, changed. */
type Fault = (path: string, good: Buffer) => void;
const write =
  (change: (bytes: Buffer) => Buffer | string): Fault =>
  (path, good) => {
    writeFileSync(path, change(Buffer.from(good)));
  };

/** What may lie where an addon is expected, and what is said of it. */
const FAULTS = {
  'is missing': [() => undefined, /ENOENT: no such file or directory/],
  'is empty': [write(() => ''), /file too short/],
  'is a text, such as a pointer of Git LFS': [
    write(() => `version https://git-lfs.github.com/spec/v1\n${'x'.repeat(100)}`),
    /invalid ELF header/,
  ],
  'is truncated': [
    write((bytes) => bytes.subarray(0, bytes.length / 2)),
    /it is truncated: \d+ bytes of \d+/,
  ],
  'has lost its last byte': [write((bytes) => bytes.subarray(0, -1)), /it is truncated/],
  // The name of a library that it needs, in place of `libc.so.6`.
  'is for another C library': [
    write((bytes) => replaced(bytes, 'libc.so.6\0', 'musl.so.1\0')),
    /musl\.so\.1/,
  ],
  // elf(5): `e_machine` is EM_AARCH64.
  'is for another processor': [
    write((bytes) => {
      bytes.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18);
      return bytes;
    }),
    /cannot open shared object file|wrong ELF|invalid ELF/,
  ],
  'is of other sources': [
    write((bytes) => replaced(bytes, /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/, '0'.repeat(64))),
    /it is of another version of the package/,
  ],
  'is a directory': [
    (path) => {
      mkdirSync(path);
    },
    /EISDIR/,
  ],
} satisfies Record<string, readonly [Fault, RegExp]>;

/** Those that differ for an installation, each of which starts processes. */
const SOME_FAULTS = ['is truncated', 'is of other sources', 'is a directory'] as const;

/** Replaces bytes of a file by as many others. */
function replaced(bytes: Buffer, old: string | RegExp, text: string): Buffer {
  const latin1 = bytes.toString('latin1');
  const changed = latin1.replaceAll(new RegExp(old, 'g'), text);
  expect(changed).not.toBe(latin1);
  expect(changed).toHaveLength(latin1.length);
  return Buffer.from(changed, 'latin1');
}

interface Installed {
  readonly loader: Package['loader'];
  readonly root: string;
  readonly prebuilt: string;
  readonly built: string;
  readonly good: Buffer;
}

/** A package as it is installed, with an addon in neither place. */
function install({ name, file, loader }: Package): Installed {
  const root = join(mkdtempSync(join(base, `${name}-`)), "it's here");
  mkdirSync(root);
  chmodSync(dirname(root), 0o755);
  const parts = ['package.json', 'dist', 'scripts', 'binding.gyp', 'native', 'kernels'];
  for (const part of parts.filter((path) => existsSync(join(packages, name, path)))) {
    cpSync(join(packages, name, part), join(root, part), { recursive: true });
  }
  const modules = join(packages, name, 'node_modules');
  if (existsSync(modules)) symlinkSync(modules, join(root, 'node_modules'));
  const [prebuilt, built] = [
    join(root, 'prebuilds', platform, file),
    join(root, 'build/Release', file),
  ];
  for (const path of [prebuilt, built]) mkdirSync(dirname(path), { recursive: true });
  return {
    loader,
    root,
    prebuilt,
    built,
    good: readFileSync(join(packages, name, 'prebuilds', platform, file)),
  };
}

/** The place that each package's addon is loaded from, or why none is, in one process of its own. */
function load(installed: readonly Pick<Installed, 'root' | 'loader'>[], uid?: number): string[] {
  const places = installed.map(({ root, loader }) => ({ root, loader }));
  const program = `
    import { readFileSync } from 'node:fs';
    const loaded = () => new Set(readFileSync('/proc/self/maps', 'utf8').match(/\\/.*\\.node$/gm));
    const outcomes = [];
    for (const { root, loader: [module, name] } of JSON.parse(process.argv[1])) {
      const before = loaded();
      const { [name]: load } = await import(root + '/dist/' + module + '.js');
      try {
        const name = load() === undefined ? 'nowhere' : '';
        outcomes.push([...loaded()].find((path) => path.includes(root) && !before.has(path)) ?? name);
      } catch ({ code, message }) {
        outcomes.push(code + ': ' + message);
      }
    }
    console.log(JSON.stringify(outcomes));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program, JSON.stringify(places)],
    {
      env: environment,
      encoding: 'utf8',
      cwd: base,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as string[];
}

/** For each kind of fault a package with it, and what came of loading its addon. */
function outcomesOf(which: Package, prepare: (fault: Fault, installed: Installed) => void) {
  const cases = Object.entries(FAULTS).map(([kind, [fault, reason]]) => {
    const installed = install(which);
    prepare(fault, installed);
    return { kind, reason, ...installed };
  });
  const outcomes = load(cases);
  return cases.map((each, index) => ({ ...each, outcome: outcomes[index] ?? '' }));
}

if (platform !== 'linux-x64') process.stderr.write(`no prebuilt addons for ${platform}\n`);
const describeWherePrebuilt = platform === 'linux-x64' ? describe : describe.skip;

describeWherePrebuilt.each(PACKAGES)('the addon of $name', (which) => {
  it('is the prebuilt one, whatever lies where one is built', () => {
    const cases = outcomesOf(which, (fault, { prebuilt, built, good }) => {
      writeFileSync(prebuilt, good);
      fault(built, good);
    });
    for (const { kind, prebuilt, outcome } of cases)
      expect([kind, outcome]).toEqual([kind, prebuilt]);
  });

  it('is the one that was built here, whatever lies where the prebuilt one is expected', () => {
    const cases = outcomesOf(which, (fault, { prebuilt, built, good }) => {
      writeFileSync(built, good);
      fault(prebuilt, good);
    });
    for (const { kind, built, outcome } of cases) expect([kind, outcome]).toEqual([kind, built]);
  });

  it('is the one that was built here where the other is for the superuser only', () => {
    const installed = install(which);
    const { prebuilt, built, good } = installed;
    writeFileSync(built, good);
    writeFileSync(prebuilt, good, { mode: 0 });
    // Who may read everything is to try it as another user.
    expect(load([installed], process.getuid?.() === 0 ? 65534 : undefined)).toEqual([built]);
  });
});

describeWherePrebuilt.each(PACKAGES)('without an addon that loads, $name', (which) => {
  it('says what is wrong with each', () => {
    const cases = outcomesOf(which, (fault, { prebuilt, built, good }) => {
      for (const path of [prebuilt, built]) fault(path, good);
    });
    for (const { kind, reason, prebuilt, built, outcome } of cases) {
      expect(outcome).toMatch(/^(?:BACKEND_UNAVAILABLE|ADDON_UNAVAILABLE): /);
      for (const path of [prebuilt, built]) {
        const [, after = ''] = outcome.split(`${path}: `);
        expect([kind, after.split('; ', 1)[0]]).toEqual([kind, expect.stringMatching(reason)]);
      }
    }
  });
});

describeWherePrebuilt('without an addon that loads, linux', () => {
  it('lets others do without', () => {
    const installed = install(LINUX);
    expect(load([{ ...installed, loader: ['addon', 'addonIfAny'] }])).toEqual(['nowhere']);
  });
});

describeWherePrebuilt.each(PACKAGES)('installing $name', (which) => {
  /** Runs the install script, with a node-gyp that "builds" a file's copy. */
  function runInstallScript(root: string, result: string) {
    const bin = mkdtempSync(join(base, 'bin-'));
    const program = `#!/bin/sh\necho "$@" >> '${bin}/calls'\nrm -rf build && mkdir -p build/Release && cp '${result}' build/Release/\n`;
    writeFileSync(join(bin, 'node-gyp'), program, { mode: 0o755 });
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/install.mjs')], {
      env: { ...environment, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
      encoding: 'utf8',
    });
    const isBuilding = existsSync(join(bin, 'calls'));
    return { status, stderr, isBuilding };
  }
  const fine = join(packages, which.name, 'prebuilds', platform, which.file);
  const bad = join(base, which.file);
  writeFileSync(bad, 'not built');

  it.each(SOME_FAULTS)('removes a built one that %s', (kind) => {
    const [fault] = FAULTS[kind];
    const { root, prebuilt, built, good } = install(which);
    writeFileSync(prebuilt, good);
    fault(built, good);
    const outcome = runInstallScript(root, bad);
    expect(outcome).toEqual({ status: 0, stderr: '', isBuilding: false });
    expect(existsSync(join(root, 'build'))).toBe(false);
  });

  it.each(SOME_FAULTS)('builds where neither loads: one %s', (kind) => {
    const [fault] = FAULTS[kind];
    const installed = install(which);
    const { root, prebuilt, built, good } = installed;
    for (const path of [prebuilt, built]) fault(path, good);
    const outcome = runInstallScript(root, fine);
    expect(outcome).toEqual({ status: 0, stderr: '', isBuilding: true });
    expect(load([installed])).toEqual([built]);
  });

  it('keeps a built one that loads where the prebuilt one does not', () => {
    const installed = install(which);
    const { root, built, good } = installed;
    writeFileSync(built, good);
    const outcome = runInstallScript(root, bad);
    expect(outcome).toEqual({ status: 0, stderr: '', isBuilding: false });
    expect(load([installed])).toEqual([built]);
  });

  it('says so when what it has built does not load', () => {
    const { root } = install(which);
    const { status, stderr, isBuilding } = runInstallScript(root, bad);
    expect({ status, isBuilding }).toEqual({ status: 0, isBuilding: true });
    expect(stderr).toContain(`@vgpu/${which.name}: the addon that came with it does not load here`);
  });
});

describe('what a package with an addon is', () => {
  it.each(PACKAGES)('is known to the modules of $name', async ({ name }) => {
    const folder = join(packages, name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
    };
    const constants = (await import(`../packages/${name}/dist/constants.js`)) as object;
    expect({ ...constants }).toEqual({
      NAME: manifest.name,
      VERSION: manifest.version,
      SOURCE_HASH: sourceHash(folder),
    });
  });
});
