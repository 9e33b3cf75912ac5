import { Pool, PRIORITIES, priorityName } from '@vgpu/protocol';
import { completedWord, SHELLS } from '@vgpu/protocol/cli';
import { isSwitch } from './arguments.js';
import { ARRIVALS } from './bench/arrivals.js';
import { BENCH_SETTINGS } from './bench/settings.js';
import type { SettingTable } from './command.js';
import { SETTINGS } from './settings.js';

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  pool: Pool.options,
  priority: PRIORITIES.map(priorityName),
  arrivals: ARRIVALS,
};

/**
 * The candidates for the last of these words; none where any text may stand, such as a path or an
 * operand.
 */
export function candidatesAt(words: readonly string[]): string[] {
  const { before, current, prefix } = completedWord(words);
  const previous = before.at(-1) ?? '';
  const all = prefix === '' ? wordsAfter(before) : valuesOf(previous);
  return all.filter((word) => word.startsWith(current)).map((word) => `${prefix}${word}`);
}

function wordsAfter(before: readonly string[]): readonly string[] {
  const [command] = before;
  if (command === 'completion') return before.length === 1 ? SHELLS : [];
  const settings: SettingTable = command === 'bench' ? BENCH_SETTINGS : SETTINGS;
  const previous = before.at(-1) ?? '';
  const setting = Object.hasOwn(settings, previous.slice(2))
    ? settings[previous.slice(2)]
    : undefined;
  if (previous.startsWith('--') && setting !== undefined && !isSwitch(setting)) {
    return valuesOf(previous);
  }
  const options = [...Object.keys(settings), 'help', 'version'].map((name) => `--${name}`);
  const unused = options.filter((option) => !before.includes(option));
  return before.length === 0 ? ['bench', 'completion', ...unused] : unused;
}

function valuesOf(option: string): readonly string[] {
  return CHOICES[option.slice(2)] ?? [];
}
