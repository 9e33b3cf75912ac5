import { escapeControls, ExitCode } from '@vgpu/protocol';
import { systemProblem, WORDS } from '@vgpu/protocol/cli';
import { VERSION } from '../constants.js';
import { exitCodeOf, VgpuError } from '../errors.js';
import { ADD } from './add.js';
import { parseArguments } from './arguments.js';
import type { Command, CliContext } from './command.js';
import { readSetting } from './settings.js';

/** Runs the program. Does not throw: an error is reported, and gives the status. */
export async function run(context: CliContext): Promise<ExitCode> {
  const { argv, env, print, report } = context;
  let asJson = argv.includes('--json');
  try {
    if (argv[0] === 'completion' && argv[1] === WORDS) {
      const { candidatesAt } = await import('./candidates.js');
      candidatesAt(argv.slice(2)).forEach(print);
      return ExitCode.OK;
    }
    const [command, args] = await commandOf(argv);
    const line = parseArguments(args, command);
    if (line.flags['help'] === true) {
      print(await command.help());
    } else if (line.flags['version'] === true) {
      print(VERSION);
    } else {
      asJson = readSetting(command.settings, 'json', line.flags, env) ?? false;
      return await command.run(line, context);
    }
    return ExitCode.OK;
  } catch (thrown) {
    const error = explained(thrown);
    report(asJson ? jsonOf(error) : textOf(error));
    return exitCodeOf(error);
  }
}

/** Replaces an error of Node.js that can come up anywhere in the program by one with a remedy. */
function explained(error: unknown): unknown {
  const problem = error instanceof VgpuError ? undefined : systemProblem(error);
  return problem === undefined
    ? error
    : new VgpuError(problem.code, problem.message, { cause: error });
}

/** Operands are numbers, so that they cannot be mistaken for a command. */
async function commandOf(argv: readonly string[]): Promise<[Command, args: readonly string[]]> {
  const [name, ...rest] = argv;
  if (name === 'bench') return [(await import('./bench/bench.js')).BENCH, rest];
  if (name === 'completion') {
    return [(await import('./completion.js')).COMPLETION, rest];
  }
  return [ADD, argv];
}

function jsonOf(error: unknown): string {
  const [code, message] =
    error instanceof VgpuError ? [error.code, error.message] : ['INTERNAL', String(error)];
  return escapeControls(JSON.stringify({ error: { code, message } }));
}

/** One line; an internal error is shown with its stack. */
function textOf(error: unknown): string {
  if (error instanceof VgpuError) {
    return `vgpu-vm-client: ${escapeControls(error.message)}`;
  }
  const detail = error instanceof Error ? error.stack : undefined;
  return `vgpu-vm-client: internal error: ${escapeControls(detail ?? String(error), '\n')}`;
}
