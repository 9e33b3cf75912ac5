// `node scripts/docs-tables.mjs [--check]`: writes the tables of options and exit statuses into the documents, from the
// definitions that the programs use. A table stands between two comments:
//
//   <!-- options:vgpu-mediator -->
//   <!-- /options -->
//
// With `options` or `exit-statuses`, and the name of a program. `--check` writes nothing: it names the documents
// that are out of date, and fails if there are any. It needs a build.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { exitStatusTable, optionTable } from '@vgpu/protocol/cli';
import { EXIT_STATUSES as MEDIATOR_STATUSES } from '../packages/mediator/dist/cli/exit-statuses.js';
import { CONFIG_OPTION, OPTIONS } from '../packages/mediator/dist/cli/options.js';
import { BENCH_SETTINGS } from '../packages/vm-client/dist/cli/bench/settings.js';
import { EXIT_STATUSES as CLIENT_STATUSES } from '../packages/vm-client/dist/cli/exit-statuses.js';
import { SETTINGS } from '../packages/vm-client/dist/cli/settings.js';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** The options of `vgpu-vm-client bench` that adding does not have, or has with another meaning. */
const benchOnly = Object.fromEntries(
  Object.entries(BENCH_SETTINGS).filter(
    ([name, setting]) => /** @type {Record<string, unknown>} */ (SETTINGS)[name] !== setting,
  ),
);
const sharedWithBench = Object.keys(BENCH_SETTINGS)
  .filter((name) => !Object.hasOwn(benchOnly, name))
  .map((name) => `\`--${name}\``);

/** The tables by the names in their comments. */
export const TABLES = {
  'options:vgpu-mediator': optionTable({ ...OPTIONS, config: CONFIG_OPTION }),
  'options:vgpu-vm-client': [
    optionTable(SETTINGS),
    `\`vgpu-vm-client bench\` has ${sharedWithBench.join(', ')} of these, and:`,
    optionTable(benchOnly),
  ].join('\n\n'),
  'exit-statuses:vgpu-mediator': exitStatusTable(MEDIATOR_STATUSES),
  'exit-statuses:vgpu-vm-client': exitStatusTable(CLIENT_STATUSES),
};

/**
 * A document with its tables up to date.
 *
 * @param {string} text @param {string} path of the document, for messages
 */
export async function withTables(text, path) {
  const config = await resolveConfig(join(REPOSITORY, 'README.md'));
  let updated = text;
  for (const [, kind = '', program = ''] of text.matchAll(
    /^<!-- (options|exit-statuses):(\S+) -->$/gm,
  )) {
    const name = `${kind}:${program}`;
    if (!Object.hasOwn(TABLES, name)) throw new Error(`${path}: there is no table ${name}`);
    const table = TABLES[/** @type {keyof typeof TABLES} */ (name)];
    const pretty = await format(table, { ...config, parser: 'markdown' });
    const [start, end] = [`<!-- ${name} -->\n`, `<!-- /${kind} -->`];
    const from = updated.indexOf(start) + start.length;
    const to = updated.indexOf(end, from);
    if (to < 0) throw new Error(`${path}: expected ${end} after ${start.trim()}`);
    updated = `${updated.slice(0, from)}\n${pretty}\n${updated.slice(to)}`;
  }
  return updated;
}

/** The Markdown documents of the repository. */
export function documents() {
  const listed = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: REPOSITORY });
  return listed.toString().split('\0').filter(Boolean);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isCheck = process.argv.includes('--check');
  for (const path of documents()) {
    const file = join(REPOSITORY, path);
    const text = readFileSync(file, 'utf8');
    const updated = await withTables(text, path);
    if (updated === text) continue;
    if (!isCheck) writeFileSync(file, updated);
    console.error(
      `${path}: ${isCheck ? 'out of date; run node scripts/docs-tables.mjs' : 'updated'}`,
    );
    if (isCheck) process.exitCode = 1;
  }
}
