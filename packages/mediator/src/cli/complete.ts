import { ExitCode } from '@vgpu/protocol';
import { MediatorError } from '../mediator-error.js';
import { Registry } from '../state/registry.js';
import { newProgram } from './any-command-line.js';
import type { Flags, Surroundings } from './commands/command.js';
import { locationOf } from './commands/location.js';
import { BACKENDS, LOG_FORMATS, LOG_LEVELS } from './options.js';

const POOLS = ['A', 'B'];

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  backend: BACKENDS,
  'log-level': LOG_LEVELS,
  'log-format': LOG_FORMATS,
  pool: POOLS,
  priority: ['high', 'medium', 'low'],
};

/** Commands about a VM that is registered. */
const ABOUT_VMS = ['set', 'show', 'suspend', 'resume', 'remove'];

/**
 * Prints what may stand where the last of these words begins, a line each. Prints nothing where that is
 * free, or where nobody knows.
 */
export async function printCandidates(
  words: readonly string[],
  surroundings: Pick<Surroundings, 'environment' | 'print'>,
): Promise<ExitCode> {
  const { before, current, prefix } = split(words);
  const candidates = await candidatesAt(before, current, surroundings);
  for (const candidate of candidates) {
    if (candidate.startsWith(current)) surroundings.print(`${prefix}${candidate}`);
  }
  return ExitCode.OK;
}

/** bash makes three words of `--pool=A`, the other shells one, of which all has to be completed. */
function split(words: readonly string[]) {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => word !== '=');
  const [, option, value] = /^(--[a-z-]+)=(.*)$/s.exec(last) ?? [];
  if (option !== undefined && value !== undefined) {
    return { before: [...before, option], current: value, prefix: `${option}=` };
  }
  return { before, current: last === '=' ? '' : last, prefix: '' };
}

async function candidatesAt(
  before: readonly string[],
  current: string,
  surroundings: Pick<Surroundings, 'environment'>,
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
  if (group === 'vm' && ABOUT_VMS.includes(command ?? '')) return vmsOf(flags, surroundings);
  if (group === 'pool' && command === 'set') return POOLS;
  return usual;
}

/** What the types of yargs leave out: the options of the command that it has come to. */
interface Knowing {
  getOptions(): { readonly string: readonly string[] };
}

/** What yargs itself knows to complete, and what it has understood of the words. */
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
      // Where $SHELL is zsh or fish, yargs adds what each means.
      usual = candidates.map((candidate) => candidate.split(/[:\t]/, 1)[0] ?? '');
    });
    valued = (program as unknown as Knowing).getOptions().string;
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

function vmsOf(flags: Flags, surroundings: Pick<Surroundings, 'environment'>): string[] {
  try {
    const registry = new Registry(locationOf(flags, surroundings).stateDir);
    return registry.entries().map(([vm]) => String(vm));
  } catch (error) {
    // Whoever presses a key wants no lecture.
    if (error instanceof MediatorError) return [];
    throw error;
  }
}
