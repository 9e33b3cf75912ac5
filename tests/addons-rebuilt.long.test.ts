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
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeIf } from './support/describe-if.js';
import { environment } from './support/processes.js';

const packages = resolve(import.meta.dirname, '../packages');
const platform = `${process.platform}-${process.arch}`;
const hasTools = ['g++', 'make', 'python3'].every(
  (tool) => spawnSync(tool, ['--version']).status === 0,
);
const HOW_TO_BUILD = 'skipped: it needs g++, make and Python (apt-get install g++ make python3)';
const MINUTES = 60_000;

describeIf(hasTools, HOW_TO_BUILD, 'an addon that loads nowhere', () => {
  const base = mkdtempSync(join(tmpdir(), 'vgpu-rebuilt-'));
  // make builds in no path with blanks or quotes in it.
  const project = join(base, 'project');
  const packageOf = (name: string) => join(project, 'node_modules/@vgpu', name);

  beforeAll(() => {
    writeFileSync(join(base, 'npmrc'), '');
    for (const name of ['cuda-binding', 'linux']) {
      const parts = ['package.json', 'dist', 'scripts', 'binding.gyp', 'native', 'kernels'];
      for (const part of parts.filter((path) => existsSync(join(packages, name, path)))) {
        cpSync(join(packages, name, part), join(packageOf(name), part), { recursive: true });
      }
    }
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({
        private: true,
        dependencies: { '@vgpu/cuda-binding': '0.0.0', '@vgpu/linux': '0.0.0' },
      }),
    );
  });
  afterAll(() => {
    rmSync(base, { recursive: true, force: true });
  });

  const files = [
    ['cuda-binding', 'vgpu_cuda.node'],
    ['linux', 'vgpu_linux.node'],
  ] as const;

  /** The message of the error, or none if the addon has loaded. */
  function complaint(name: string): string {
    const [module, load] =
      name === 'linux' ? ['dist/addon.js', 'requireAddon'] : ['dist/native.js', 'loadAddon'];
    const url = pathToFileURL(join(packageOf(name), module)).href;
    const program = `
      const { ${load}: load } = await import(${JSON.stringify(url)});
      try { load(); } catch ({ message }) { process.stdout.write(message); }`;
    const args = ['--input-type=module', '-e', program];
    const { status, stdout } = spawnSync(process.execPath, args, {
      env: environment,
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    return stdout;
  }

  /** Puts what another system has left into both places. */
  function damage(name: string, file: string): void {
    const good = readFileSync(join(packages, name, 'prebuilds/linux-x64', file));
    for (const place of [`prebuilds/${platform}`, 'build/Release']) {
      const folder = join(packageOf(name), place);
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, file), good.subarray(0, 5000));
    }
  }

  function runInShell(command: string, cwd: string) {
    // As where install scripts are not run unless asked for.
    const env = { ...environment, HOME: base, npm_config_update_notifier: 'false' };
    return spawnSync('sh', ['-c', command], { cwd, env, encoding: 'utf8' });
  }

  it.each(files)(
    'of %s is built by the command in the message, from anywhere',
    (name, file) => {
      damage(name, file);
      const [, command = ''] = /`(.*?)`/.exec(complaint(name)) ?? [];
      expect(command).toMatch(/^npm run install --prefix '/);
      const outcome = runInShell(`npm_config_ignore_scripts=true ${command}`, base);
      expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status: 0, stderr: '' });
      expect(complaint(name)).toBe('');
    },
    5 * MINUTES,
  );

  it.each(files)(
    'of %s is built by npm rebuild, in the project',
    (name, file) => {
      damage(name, file);
      const outcome = runInShell(`npm rebuild --foreground-scripts @vgpu/${name}`, project);
      expect(outcome.status).toBe(0);
      expect(complaint(name)).toBe('');
    },
    5 * MINUTES,
  );
});
