import { ExitCode } from '@vgpu/protocol';
import { completedWord } from '@vgpu/protocol/cli';
import { MediatorError } from '../mediator-error.js';
import { Registry } from '../state/registry.js';
import { newProgram } from './any-command-line.js';
import type { Flags, CliContext } from './commands/command.js';
import { locationOf } from './commands/location.js';
import { CHOICES } from './options.js';

/** Commands whose operand is a registered VM. */
const ABOUT_VMS = ['set', 'show', 'suspend', 'resume', 'remove'];

/**
 * Prints the candidates for the last of these words, one per line; nothing where any text may stand.
 */
export async function printCandidates(
  words: readonly string[],
  context: Pick<CliContext, 'environment' | 'print'>,
): Promise<ExitCode> {
  const { before, current, prefix } = completedWord(words);
  const candidates = await candidatesAt(before, current, context);
  for (const candidate of candidates) {
    if (candidate.startsWith(current)) context.print(`${prefix}${candidate}`);
  }
  return ExitCode.OK;
}

async function candidatesAt(
  before: readonly string[],
  current: string,
  context: Pick<CliContext, 'environment'>,
): Promise<readonly string[]> {
  const previous = before.at(-1) ?? '';
  const choices = previous.startsWith('--') ? CHOICES[previous.slice(2)] : undefined;
  if (choices !== undefined) return choices;
  const { usual, flags, positionals, valued } = await askYargs([...before, current]);
  if (current.startsWith('-')) return usual;
  // A path, or a number.
  if (valued.some((name) => previous === `--${name}`)) return [];
  const [group, command, ...given] = positionals;
  if (given.length > 1) return usual;
  if (group === 'vm' && ABOUT_VMS.includes(command ?? '')) return vmsOf(flags, context);
  if (group === 'pool' && command === 'set') return CHOICES['pool'] ?? [];
  return usual;
}

/** A method that the types of yargs leave out: the options of the command that it has parsed. */
interface YargsInternals {
  getOptions(): { readonly string: readonly string[] };
}

/** The candidates of yargs itself, and how it parses the words. */
async function askYargs(words: readonly string[]) {
  let usual: readonly string[] = [];
  let flags: Flags = {};
  let valued: readonly string[] = [];
  const program = (await newProgram(() => undefined)).exitProcess(false);
  const ask = (
    _current: string,
    argv: Flags,
    complete: (done: (error: Error | null, candidates: string[] | undefined) => void) => void,
    done: (candidates: string[]) => void,
  ) => {
    flags = argv;
    complete((_error, candidates = []) => {
      // Where $SHELL is zsh or fish, yargs adds descriptions.
      usual = candidates.map((candidate) => candidate.split(/[:\t]/, 1)[0] ?? '');
    });
    valued = (program as unknown as YargsInternals).getOptions().string;
    // So that yargs prints nothing itself.
    done([]);
  };
  await program
    .completion('get-yargs-script', false, ask)
    .parseAsync(['--get-yargs-completions', 'vgpu-mediator', ...words]);
  const {
    _: [, ...positionals],
  } = flags as { readonly _: readonly unknown[] };
  return { usual, flags, positionals: positionals.map(String), valued };
}

function vmsOf(flags: Flags, context: Pick<CliContext, 'environment'>): string[] {
  try {
    const registry = new Registry(locationOf(flags, context).stateDir);
    return registry.entries().map(([vm]) => String(vm));
  } catch (error) {
    // A key press must not print an error.
    if (error instanceof MediatorError) return [];
    throw error;
  }
}
