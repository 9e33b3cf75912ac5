import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeRegisterBlock } from '@vgpu/protocol';
import { BENCH_SETTINGS } from '../src/cli/bench/settings.js';
import { variableOf } from '@vgpu/protocol/cli';
import { SETTINGS } from '../src/cli/settings.js';
import * as exported from '../src/index.js';
import { FakeMediator } from './fake-mediator.js';
import { STATUS_OF_FAILURE } from './statuses.js';

const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(
    ([, code = '']) => code,
  );

const run = promisify(execFile);

let mediator: FakeMediator;

beforeEach(() => {
  mediator = new FakeMediator();
});
afterEach(() => {
  mediator.close();
});

/** Runs an example with other paths; gives what it prints. */
async function play(example: string, replace: Record<string, string>): Promise<string[]> {
  const printed: string[] = [];
  const console = { log: (line: unknown) => printed.push(String(line)) };
  const body = Object.entries(replace).reduce(
    (code, [from, to]) => code.replace(from, to),
    example.replace(/^import .*$/m, ''),
  );
  await runInNewContext(`(async () => {${body}})()`, { ...exported, console, Int32Array });
  return printed;
}

describe('the examples', () => {
  test('of the registers runs', async () => {
    const [, example = ''] = blocks('js');
    const registers = path.join(mediator.root, 'registers');
    fs.writeFileSync(registers, encodeRegisterBlock({ vm: 1, pool: 'B', priority: 2 }));
    const given = `readIdentity('${registers}')`;
    const paths = { 'readIdentity()': given, '/mnt/vgpu': mediator.root };
    const call = `${example}\nconsole.log(await client.add(1, 2)); await client.close();`;
    expect(await play(call, paths)).toEqual(['3']);
    expect(mediator.seen).toEqual(['B:2:1:1:2\n']);
  });

  test('of the command print what stands there', async () => {
    const bin = fileURLToPath(new URL('../bin/vgpu-vm-client.js', import.meta.url));
    const env: NodeJS.ProcessEnv = { ...process.env };
    fs.symlinkSync(mediator.root, path.join(mediator.root, 'vgpu'));
    const [transcript = ''] = blocks('console');
    const printed: string[] = [];
    for (const [, command = ''] of transcript.matchAll(/^\$ (.*)$/gm)) {
      const [program, ...words] = command.split(' ');
      printed.push(`$ ${command}`);
      if (program === 'export') {
        Object.assign(env, Object.fromEntries(words.map((word) => word.split('='))));
      } else {
        const args = [bin, ...words.slice(1)];
        const { stdout } = await run(process.execPath, args, { cwd: mediator.root, env });
        printed.push(stdout.trimEnd());
      }
    }
    expect(printed.map(withoutChance)).toEqual(transcript.trimEnd().split('\n').map(withoutChance));
  });
});

/** What differs from run to run is left out. */
const withoutChance = (line: string) =>
  line.replace(/"slot":"[\w-]{36}","waitMs":[\d.]+/, '"slot":"...","waitMs":0');

describe('it lists:', () => {
  test.each(Object.keys(exported))('%s has a heading', (name) => {
    expect(readme).toMatch(new RegExp(`^## \`${name}\\b`, 'm'));
  });

  test.each(Object.keys({ ...SETTINGS, ...BENCH_SETTINGS }))('--%s has a row', (name) => {
    expect(readme).toMatch(new RegExp(`^\\| \`--${name}\\b.*\`${variableOf(name)}\``, 'm'));
  });

  test.each(Object.entries(STATUS_OF_FAILURE))('%s has a row with status %i', (code, status) => {
    expect(readme).toMatch(new RegExp(`^\\| \`${code}\` .*\\| ${status} +\\|$`, 'm'));
  });
});
