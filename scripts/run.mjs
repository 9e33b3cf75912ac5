// `npm run demo` and `npm test`: install and build if needed, then run. Needs Node, npm and git only.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The environment may be that of production, or of a hook of git. npm's notice of a new version is left out
 * of the results.
 *
 * @type {NodeJS.ProcessEnv}
 */
const cleanEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:NODE_ENV|GIT_.*)$/.test(name)),
  ),
  npm_config_update_notifier: 'false',
};

/** @type {{ packageManager: string, engines: { node: string } }} */
const manifest = parse(readFileSync(join(root, 'package.json'), 'utf8'));

const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', bin('jest')];

/** @type {Record<string, (args: string[]) => Promise<void>>} */
const tasks = {
  /** Arguments go to jest: `npm test -- packages/queue`. */
  async test(args) {
    await prepare();
    await beside([
      ['Checking style', bin('eslint'), '--cache', '--cache-location', '.cache/eslint', '.'],
      ['Looking for what nothing uses', bin('knip'), '--no-progress'],
      ['Looking for cycles of imports', bin('knip'), '--no-progress', '--cycles'],
      ['Checking the format', bin('prettier'), '--log-level', 'warn', '--check', '.'],
    ]);
    const isForced = args[0] === '--force';
    if (args.length > 0 && !isForced) {
      await runTests('Running the tests', args);
      return;
    }
    const passed = new Stamp('tests-passed', sourceFiles());
    if (passed.isValid && !isForced && !process.env['CI']) {
      console.log('\n> All tests have passed on these very files');
      console.log(
        '`npm test -- --force` runs them again, and those that were skipped if they can.',
      );
      close(passed.note);
      return;
    }
    passed.remove();
    passed.write(await runTests('Running the tests (ten minutes for all)', []));
  },
  /** The tests that take minutes each; `.ci/run` runs them. Arguments go to jest. */
  async 'test:long'(args) {
    await prepare();
    const config = ['--config', 'jest.long.config.js'];
    await runTests('Running the long tests (half an hour for all)', [...config, ...args]);
  },
  /** Arguments go to the demo: `npm run demo -- --backend cuda`. */
  async demo(args) {
    await prepare();
    await step('Running the demo', ['scripts/demo.mjs', ...args]);
  },
};

/**
 * Runs jest, and closes with its result.
 *
 * @param {string} title @param {string[]} args
 * @returns {Promise<string>} the closing lines
 */
async function runTests(title, args) {
  const file = join(root, '.cache', `result-${process.pid}`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  console.log(`\n> ${title}`);
  const status = await execute(process.execPath, [...jest, ...args], {
    VGPU_TEST_RESULT: file,
  });
  const result = existsSync(file) ? readFileSync(file, 'utf8') : '0 passed, 1 failed';
  rmSync(file, { force: true });
  close(result);
  if (status !== 0) process.exit(status);
  return result;
}

/** @param {string} result what the last lines are to say */
function close(result) {
  console.log(`\n> Result\n${result}`);
}

/** Remembers that something was done for the content of some files, by this version of Node. */
class Stamp {
  #path;
  #content;

  /** @param {string} name @param {string[] | undefined} files never valid without */
  constructor(name, files) {
    const hash = createHash('sha256').update(files ? process.version : randomUUID());
    for (const file of files ?? [])
      hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
    this.#path = join(root, 'node_modules', '.vgpu', name);
    this.#content = hash.digest('hex');
  }

  get isValid() {
    return existsSync(this.#path) && this.#read()[0] === this.#content;
  }

  /** The note that was saved with it. */
  get note() {
    return this.#read().slice(1).join('\n');
  }

  #read() {
    return readFileSync(this.#path, 'utf8').split('\n');
  }

  write(note = '') {
    mkdirSync(join(this.#path, '..'), { recursive: true });
    writeFileSync(this.#path, `${this.#content}\n${note}`);
  }

  remove() {
    rmSync(this.#path, { force: true });
  }
}

async function prepare() {
  requireNode();
  const packages = readdirSync(join(root, 'packages')).map(
    (name) => `packages/${name}/package.json`,
  );
  const settings = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  const installed = new Stamp('installed', [...settings, ...packages]);
  if (!installed.isValid) {
    console.log('\n> Installing the dependencies (half a minute the first time)');
    // With the development dependencies, regardless of the environment and the settings.
    const install = ['install', '--frozen-lockfile', '--prod=false'];
    await expectSuccess('npx', ['--yes', manifest.packageManager, ...install]);
    installed.write();
  }
  await step('Writing names, versions and hashes', ['scripts/write-constants.mjs']);
  await step('Building, checking types', [bin('tsc'), '-b']);
  await step("Bundling the mediator's page", ['scripts/build-page.mjs']);
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Node ${manifest.engines.node} is needed, this is ${process.version}.`);
  process.exit(69);
}

/** Everything that is or could be committed; undefined if git cannot tell. */
function sourceFiles() {
  // The checkout may belong to another user.
  const safe = ['-c', 'safe.directory=*'];
  const list = [...safe, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { status, stdout } = spawnSync('git', list, { cwd: root, env: cleanEnv, encoding: 'utf8' });
  if (status !== 0) return undefined;
  return stdout.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
}

/** @param {string} tool */
function bin(tool) {
  const home = { tsc: 'typescript/bin/tsc', prettier: 'prettier/bin/prettier.cjs' }[tool];
  return join('node_modules', home ?? `${tool}/bin/${tool}.js`);
}

/** @param {string} title @param {string[]} script and its arguments */
async function step(title, script) {
  console.log(`\n> ${title}`);
  await expectSuccess(process.execPath, script);
}

/**
 * Runs independent steps, two at a time. The output of each is printed when it has ended.
 *
 * @param {readonly [title: string, ...script: string[]][]} steps
 */
async function beside(steps) {
  const rest = steps.values();
  let status = 0;
  const line = async () => {
    for (const [title, ...script] of rest) {
      const child = spawn(process.execPath, script, { cwd: root, env: cleanEnv });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
      }
      const ended = await endOf(child);
      console.log(`\n> ${title}\n${output}`.trimEnd());
      status ||= ended;
    }
  };
  await Promise.all([line(), line()]);
  if (status !== 0) fail(status);
}

/** @param {string} command @param {string[]} args */
async function expectSuccess(command, args) {
  const status = await execute(command, args);
  if (status !== 0) fail(status);
}

/**
 * @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env more variables
 * @returns {Promise<number>} its exit status
 */
function execute(command, args, env = {}) {
  const options = { cwd: root, env: { ...cleanEnv, ...env } };
  return endOf(spawn(command, args, { ...options, stdio: 'inherit' }));
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<number>} */
async function endOf(child) {
  try {
    const [status] = await once(child, 'close');
    return status ?? 70;
  } catch (error) {
    console.error(`cannot run ${child.spawnfile}: ${/** @type {Error} */ (error).message}`);
    return 70;
  }
}

/** @param {number} status @returns {never} */
function fail(status) {
  close('0 passed, 1 failed');
  process.exit(status);
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
await task(args);
