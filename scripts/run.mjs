// `npm run demo` and `npm test`: set up what is missing, then do it. Needs Node, npm and git only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'node_modules', '.installed');

/** @type {{ packageManager: string, engines: { node: string } }} */
const manifest = parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** @type {Record<string, () => void>} */
const tasks = {
  test() {
    prepare();
    step('Checking style and types', [
      bin('eslint'),
      '--cache',
      '--cache-location',
      '.cache/eslint',
      '.',
    ]);
    step('Checking the format', [bin('prettier'), '--log-level', 'warn', '--check', '.']);
    const jest = [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      bin('jest'),
    ];
    step('Running every test', [...jest, ...process.argv.slice(3)]);
  },
  demo() {
    prepare();
    step('Running the demo', ['scripts/demo.mjs']);
  },
};

/** @returns {any} */
function parse(/** @type {string} */ json) {
  return JSON.parse(json);
}

function prepare() {
  requireNode();
  if (!isInstalled()) {
    console.log('\n> Installing the dependencies (half a minute the first time)');
    execute('npx', ['--yes', manifest.packageManager, 'install', '--frozen-lockfile']);
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    writeFileSync(stamp, fingerprint());
  }
  step('Building', [bin('tsc'), '-b']);
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Node ${manifest.engines.node} is needed, this is ${process.version}.`);
  process.exit(69);
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint();
}

/** Changes when what has to be installed changes. */
function fingerprint() {
  const packages = readdirSync(join(root, 'packages')).map(
    (name) => `packages/${name}/package.json`,
  );
  const hash = createHash('sha256').update(process.version);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...packages]) {
    hash.update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** @param {string} tool */
function bin(tool) {
  const home = { tsc: 'typescript/bin/tsc', prettier: 'prettier/bin/prettier.cjs' }[tool];
  return join('node_modules', home ?? `${tool}/bin/${tool}.js`);
}

/** @param {string} title @param {string[]} script and its arguments */
function step(title, script) {
  console.log(`\n> ${title}`);
  execute(process.execPath, script);
}

/** @param {string} command @param {string[]} args */
function execute(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 70);
}

const task = tasks[process.argv[2] ?? ''];
if (!task) {
  console.error(`usage: node scripts/run.mjs ${Object.keys(tasks).join('|')}`);
  process.exit(64);
}
task();
