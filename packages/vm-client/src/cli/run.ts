import fs from 'node:fs';
import { escapeControls, ExitCode } from '@vgpu/protocol';
import { exitCodeOf, VgpuError } from '../errors.js';
import { ADD } from './add.js';
import { parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { WORDS } from './completion/script.js';
import { readSetting } from './settings.js';
import type { Surroundings } from './surroundings.js';

/** Runs the program. Does not throw: what went wrong is reported, and shows in the status. */
export async function run(surroundings: Surroundings): Promise<ExitCode> {
  const { argv, env, print, report } = surroundings;
  let asJson = argv.includes('--json');
  try {
    if (argv[0] === 'completion' && argv[1] === WORDS) {
      const { candidatesAt } = await import('./completion/candidates.js');
      candidatesAt(argv.slice(2)).forEach(print);
      return ExitCode.OK;
    }
    const [command, args] = await commandOf(argv);
    const line = parseArguments(args, command);
    if (line.flags['help'] === true) {
      print(await command.help());
    } else if (line.flags['version'] === true) {
      print(version());
    } else {
      asJson = readSetting(command.settings, 'json', line.flags, env) ?? false;
      return await command.run(line, surroundings);
    }
    return ExitCode.OK;
  } catch (error) {
    report(asJson ? jsonOf(error) : textOf(error));
    return exitCodeOf(error);
  }
}

/** Operands are numbers, so they can't be taken for a command. */
async function commandOf(argv: readonly string[]): Promise<[Command, args: readonly string[]]> {
  const [name, ...rest] = argv;
  if (name === 'bench') return [(await import('./bench/bench.js')).BENCH, rest];
  if (name === 'completion') {
    return [(await import('./completion/completion.js')).COMPLETION, rest];
  }
  return [ADD, argv];
}

function jsonOf(error: unknown): string {
  const [code, message] =
    error instanceof VgpuError ? [error.code, error.message] : ['INTERNAL', String(error)];
  return escapeControls(JSON.stringify({ error: { code, message } }));
}

/** One line; a defect of ours is shown with where it happened. */
function textOf(error: unknown): string {
  if (error instanceof VgpuError) {
    return `vgpu-vm-client: ${escapeControls(error.message)}`;
  }
  const detail = error instanceof Error ? error.stack : undefined;
  return `vgpu-vm-client: internal error: ${escapeControls(detail ?? String(error), '\n')}`;
}

function version(): string {
  const manifest = fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
