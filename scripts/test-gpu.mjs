// `pnpm test:gpu`: tests the packages' tarballs on a real GPU, installed by npm outside the repository.
// Without a GPU it prints the number of skipped tests.
//
// `--prepare <folder>` only makes that project in a new folder. It can be carried to a machine that
// has a GPU and Node, but neither pnpm nor a network: `node <folder>/gpu/run.mjs` runs the tests.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const [, , flag, folder = '', ...rest] = process.argv;
if (flag !== undefined && (flag !== '--prepare' || folder === '' || rest.length > 0)) {
  console.error('usage: test-gpu [--prepare <new folder>]');
  process.exit(64);
}
if (folder !== '' && existsSync(folder)) {
  console.error(`test-gpu: ${folder} exists already: name a new folder`);
  process.exit(73);
}

if (folder !== '') {
  prepare(folder);
} else {
  const base = mkdtempSync(join(tmpdir(), 'vgpu-test-gpu-'));
  try {
    const project = join(base, 'project');
    prepare(project);
    const { status } = spawnSync(process.execPath, [join(project, 'gpu/run.mjs')], {
      stdio: 'inherit',
    });
    process.exitCode = status ?? 70;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function prepare(/** @type {string} */ project) {
  mkdirSync(project, { recursive: true });
  const tarballs = mkdtempSync(join(tmpdir(), 'vgpu-tarballs-'));
  try {
    const { packageManager } = /** @type {{ packageManager: string }} */ (
      JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
    );
    const pack = ['-r', '--filter', './packages/*', 'pack', '--pack-destination', tarballs];
    execute(repository, 'npx', ['--yes', packageManager, ...pack]);
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
    const files = readdirSync(tarballs).map((name) => join(tarballs, name));
    execute(project, 'npm', ['install', '--no-audit', '--no-fund', ...files]);
  } finally {
    rmSync(tarballs, { recursive: true });
  }
  cpSync(join(repository, 'tests/gpu'), join(project, 'gpu'), { recursive: true });
  for (const name of ['demo.mjs', 'demo']) {
    cpSync(join(repository, 'scripts', name), join(project, 'gpu', name), { recursive: true });
  }
}

/** @param {string} cwd @param {string} command @param {string[]} args */
function execute(cwd, command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (error) console.error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 70);
}
