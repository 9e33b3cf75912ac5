// `npm run demo` and `npm test`: set up what is missing, then do it. Needs Node, npm and git only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @type {{ packageManager: string, engines: { node: string } }} */
const manifest = parse(readFileSync(join(root, 'package.json'), 'utf8'));

const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', bin('jest')];

/** @type {Record<string, (args: string[]) => void>} */
const tasks = {
  /** Arguments go to jest: `npm test -- packages/queue`. */
  test(args) {
    prepare();
    step('Checking style', [bin('eslint'), '--cache', '--cache-location', '.cache/eslint', '.']);
    step('Looking for what nothing uses', [bin('knip'), '--no-progress']);
    step('Looking for cycles of imports', [bin('knip'), '--no-progress', '--cycles']);
    step('Checking the format', [bin('prettier'), '--log-level', 'warn', '--check', '.']);
    const runTests = (/** @type {string[]} */ filters) => {
      step('Running the tests (ten minutes for all)', [...jest, ...filters]);
    };
    const isForced = args[0] === '--force';
    if (args.length > 0 && !isForced) {
      runTests(args);
      return;
    }
    const passed = new Stamp('tests-passed', sourceFiles());
    if (passed.isValid && !isForced && !process.env['CI']) {
      console.log(
        '\n> All tests have passed on these very files; `npm test -- --force` runs them again',
      );
      return;
    }
    passed.remove();
    runTests([]);
    passed.write();
  },
  /** What takes minutes for each test; `.ci/run` does it. Arguments go to jest. */
  'test:long'(args) {
    prepare();
    const config = ['--config', 'jest.long.config.js'];
    step('Running the long tests (half an hour for all)', [...jest, ...config, ...args]);
  },
  /** Arguments go to the demo: `npm run demo -- --backend cuda`. */
  demo(args) {
    prepare();
    step('Running the demo', ['scripts/demo.mjs', ...args]);
  },
};

/** Remembers that something was done for the content of some files, by this version of Node. */
class Stamp {
  #path;
  #content;

  /** @param {string} name @param {string[]} files */
  constructor(name, files) {
    const hash = createHash('sha256').update(process.version);
    for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
    this.#path = join(root, 'node_modules', '.vgpu', name);
    this.#content = hash.digest('hex');
  }

  get isValid() {
    return existsSync(this.#path) && readFileSync(this.#path, 'utf8') === this.#content;
  }

  write() {
    mkdirSync(join(this.#path, '..'), { recursive: true });
    writeFileSync(this.#path, this.#content);
  }

  remove() {
    rmSync(this.#path, { force: true });
  }
}

function prepare() {
  requireNode();
  const packages = readdirSync(join(root, 'packages')).map(
    (name) => `packages/${name}/package.json`,
  );
  const settings = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  const installed = new Stamp('installed', [...settings, ...packages]);
  if (!installed.isValid) {
    console.log('\n> Installing the dependencies (half a minute the first time)');
    execute('npx', ['--yes', manifest.packageManager, 'install', '--frozen-lockfile']);
    installed.write();
  }
  step('Writing names, versions and hashes', ['scripts/write-constants.mjs']);
  step('Building, checking types', [bin('tsc'), '-b']);
  step("Bundling the mediator's page", ['scripts/build-page.mjs']);
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Node ${manifest.engines.node} is needed, this is ${process.version}.`);
  process.exit(69);
}

/** Everything that is or could be committed. */
function sourceFiles() {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { status, stdout } = spawnSync('git', list, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error('this is no git checkout; clone the repository');
  return stdout.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
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
  const env = { ...process.env, npm_config_update_notifier: 'false' };
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (error) console.error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 70);
}

/** @returns {any} */
function parse(/** @type {string} */ json) {
  return JSON.parse(json);
}

const [name = '', ...args] = process.argv.slice(2);
const task = tasks[name];
if (!task) {
  console.error(`usage: node scripts/run.mjs ${Object.keys(tasks).join('|')}`);
  process.exit(64);
}
task(args);
