import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DebianMachine, describeBooted } from './support/debian-machine.js';
import { environment, run } from './support/processes.js';
import { LocalRegistry, WorkspaceCopy } from './support/registry.js';

const repository = resolve(import.meta.dirname, '..');
const { packageManager } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  packageManager: string;
};

const TUTORIAL = 'docs/tutorial/first-service.md';

/** The packages of Debian that the tutorial installs. */
const PACKAGES = ['nodejs', 'npm', 'curl', 'nfs-kernel-server', 'prometheus'];

/** The npm of Debian 13: others ask in other words. */
const NPM = 'npm@9.2.0';

/** What each block of commands, in their order, has to print; none of one that changes the kernel of all. */
const EXPECTED: readonly (readonly RegExp[] | undefined)[] = [
  [/Active: active \(running\)/, /Status: "Serving; 0 requests are queued"/, /^ok$/m],
  [/^1\tA\thigh\tactive/m, /^2\tA\tmedium\tactive/m, /^3\tB\tlow\tactive/m],
  [/^300$/m, /^11,22,33$/m, /^1\tA\thigh\tactive\t0\t1\t0\t/m, /^3\tB\tlow\tactive\t0\t1\t0\t/m],
  undefined,
  [1, 2, 3].map(
    (n) => new RegExp(`^/var/vgpu/vm${n}\\s+10\\.0\\.0\\.1${n}\\(.*anonuid=6000${n}`, 'm'),
  ),
  [/^ok\tinstance\ta mediator is running/m, /^ok\texports/m],
  [
    /SUCCESS: 8 rules found/,
    /pool="A"} => 1 @/,
    /pool="B"} => 1 @/,
    /^{vm="1"} => 1 @/m,
    /^{vm="2"} => 0 @/m,
  ],
  [/alertname="VgpuMediatorDown", alertstate="firing"/, /^42$/m],
  [/dashboard\.json$/m],
];

function blocks(): { title: string; commands: string; expected: readonly RegExp[] | undefined }[] {
  const text = readFileSync(join(repository, TUTORIAL), 'utf8');
  const found = text.split(/^## /m).flatMap((part) => {
    const [heading = ''] = part.split('\n', 1);
    const commands = Array.from(part.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block);
    return commands.map((block) => ({ heading, block }));
  });
  return found.map(({ heading, block }, index) => ({
    title: `${heading}: ${block.split('\n', 1).join()}`,
    commands: block,
    expected: EXPECTED[index],
  }));
}

describeBooted(`${TUTORIAL}, pasted into an empty Debian 13`, () => {
  const base = mkdtempSync(join(tmpdir(), 'vgpu-first-service-'));
  let machine: DebianMachine | undefined;
  let env: Record<string, string>;

  beforeAll(async () => {
    const empty = await DebianMachine.make(PACKAGES);
    machine = empty;
    const registry = await LocalRegistry.start(join(base, 'registry'));
    try {
      const npmrc = join(base, 'npmrc');
      const workspace = new WorkspaceCopy(join(base, 'workspace'), packageManager);
      const settings = { ...environment, NPM_CONFIG_USERCONFIG: npmrc };
      expect(await workspace.changeset(settings, 'version')).toMatchObject({ status: 0 });
      registry.writeSettings(npmrc);
      const published = await workspace.changeset(settings, 'publish', '--no-git-tag');
      expect(published).toMatchObject({ status: 0 });
      // The machine can reach no registry, but npm has in its cache what one has said to the same question.
      env = { NPM_CONFIG_REGISTRY: registry.url, NPM_CONFIG_OFFLINE: 'true' };
      const cache = ['--cache', join(empty.path, 'root/.npm'), '--prefix', join(base, 'prefix')];
      const asked = { ...environment, NPM_CONFIG_REGISTRY: registry.url };
      const install = [NPM, 'install', ...cache, '@vgpu/mediator', '@vgpu/vm-client'];
      expect(await run('npx', ['--yes', ...install], { env: asked })).toMatchObject({ status: 0 });
    } finally {
      await registry.stop();
    }
    await empty.boot();
  });
  afterAll(async () => {
    await machine?.remove();
    rmSync(base, { recursive: true, force: true });
  });

  it('has the blocks of which this test knows what they print', () => {
    expect(blocks()).toHaveLength(EXPECTED.length);
  });

  it.each(blocks().filter(({ expected }) => expected !== undefined))(
    '$title',
    async ({ commands, expected = [] }) => {
      const printed = await machine?.sh(commands, env);
      for (const pattern of expected) expect(printed).toMatch(pattern);
    },
  );
});
