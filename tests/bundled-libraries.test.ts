import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeRegisterBlock } from '@vgpu/protocol';
import { build, type Format } from 'esbuild';
import { FakePci } from '../packages/vm-client/test/fake-pci.js';
import { environment } from './support/processes.js';

// What a program does with our libraries that has been bundled into one file and carried elsewhere.
const packages = resolve(import.meta.dirname, '../packages');
const { version } = JSON.parse(readFileSync(join(packages, 'mediator/package.json'), 'utf8')) as {
  version: string;
};
const base = mkdtempSync(join(tmpdir(), 'vgpu-bundled-'));
const pci = new FakePci();
const device = pci.addStub('0000:00:05.0', encodeRegisterBlock({ pool: 'B', priority: 2, vm: 7 }));
afterAll(() => {
  rmSync(base, { recursive: true, force: true });
  pci.remove();
});

/** Uses everything that needs a file of its package, and prints what came of it. */
const PROGRAM = `
import * as queue from '@vgpu/queue';
import * as protocol from '@vgpu/protocol';
import * as binding from '@vgpu/cuda-binding';
import { conformance } from '@vgpu/cuda-binding/conformance';
import { Mediator } from '@vgpu/mediator';
import { VgpuClient, readIdentity } from '@vgpu/vm-client';

async function attempt(what) {
  try { return await what(); } catch ({ code, message }) { return code + ': ' + message; }
}
async function main() {
  const [device, root] = process.argv.slice(2);
  const mediator = new Mediator({
    root,
    stateDir: root + '-state',
    devices: [() => binding.openDevice({ backend: 'cpu' })],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await mediator.start();
  const client = new VgpuClient({ root, vmId: 1 });
  const sum = await client.add(100, 200);
  await client.close();
  const { version } = mediator.snapshot();
  await mediator.stop();
  const cpu = await binding.openDevice({ backend: 'cpu' });
  const cpuSum = await cpu.addScalar(1, 2);
  await cpu.close();
  console.log(JSON.stringify({
    version,
    sum,
    cpuSum,
    conformance: conformance(() => binding.openDevice({ backend: 'cpu' })).length > 10,
    queue: new queue.PriorityQueue().size,
    line: protocol.encodeRequest({
      pool: 'A', priority: 2, vm: 1, a: Int32Array.of(1), b: Int32Array.of(2),
    }),
    listed: await attempt(async () => (await binding.listDevices()).length),
    opened: await attempt(() => binding.openDevice({ backend: 'cuda' })),
    isolated: await attempt(() => binding.openDevice({ backend: 'cuda', isolated: true })),
    identity: await attempt(() => readIdentity(device)),
  }));
}
main();
`;

/** Where the bundle lies in the application, and whether the packages are installed beside it. */
interface Place {
  readonly format: Format;
  readonly isInstalled: boolean;
  /** What bundlers other than esbuild leave in place of `import.meta.url`. */
  readonly url?: string;
}

const PLACES: readonly Place[] = [false, true].flatMap((isInstalled) => [
  { format: 'esm', isInstalled },
  { format: 'cjs', isInstalled },
  // Where the module was when it was bundled, on another machine.
  { format: 'cjs', isInstalled, url: 'file:///nowhere/node_modules/@vgpu/any/dist/own-files.js' },
]);

describe.each(PLACES)('a program bundled as %j', (place) => {
  const app = mkdtempSync(join(base, 'app-'));
  let printed: Record<string, unknown>;

  beforeAll(async () => {
    const { format, isInstalled, url } = place;
    const file = join(app, 'dist', format === 'esm' ? 'program.mjs' : 'program.cjs');
    const { warnings } = await build({
      stdin: { contents: PROGRAM, resolveDir: join(packages, '..') },
      bundle: true,
      minify: true,
      platform: 'node',
      format,
      outfile: file,
      define: url === undefined ? {} : { 'import.meta.url': JSON.stringify(url) },
      // It says that `import.meta` is empty in CommonJS, which we know.
      logOverride: { 'empty-import-meta': 'silent' },
    });
    expect(warnings).toEqual([]);
    // Not to be taken for ours.
    writeFileSync(join(app, 'package.json'), '{ "name": "app", "version": "99.9.9" }');
    for (const name of isInstalled ? ['cuda-binding', 'linux', 'mediator', 'vm-client'] : []) {
      for (const part of ['package.json', 'dist', 'prebuilds', 'kernels', 'udev']) {
        const [from, to] = [
          join(packages, name, part),
          join(app, 'node_modules/@vgpu', name, part),
        ];
        if (existsSync(from)) cpSync(from, to, { recursive: true });
      }
    }
    mkdirSync(join(app, 'vgpu/vm1'), { recursive: true });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [file, device, join(app, 'vgpu')],
      { cwd: app, env: environment, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    printed = JSON.parse(stdout) as Record<string, unknown>;
  });

  it('loads, and does what needs no file', () => {
    expect(printed).toMatchObject({ sum: 300, cpuSum: 3, conformance: true, queue: 0 });
    expect(printed['line']).toBe('A:2:1:1:2\n');
  });

  it('knows the version of our package, not that of the application', () => {
    expect(printed['version']).toBe(version);
  });

  it('uses the files of the packages, or says which package is missing', () => {
    if (place.isInstalled) {
      expect(printed['identity']).toEqual({ pool: 'B', priority: 2, vm: 7 });
      // With or without a driver, there is an addon.
      for (const key of ['listed', 'opened', 'isolated']) {
        expect(String(printed[key])).not.toMatch(/native part|bundle/);
      }
      return;
    }
    const missing = (name: string) =>
      expect.stringMatching(
        new RegExp(
          `^[A-Z_]+: .*expected the files of ${name}, .* install ${name}@${version} where the bundle runs`,
        ),
      );
    expect(printed).toMatchObject({
      listed: missing('@vgpu/cuda-binding'),
      opened: missing('@vgpu/cuda-binding'),
      isolated: missing('@vgpu/cuda-binding'),
      identity: missing('@vgpu/linux'),
    });
  });
});
