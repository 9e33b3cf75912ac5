import { ARRIVALS } from '../bench/arrivals.js';
import { BENCH_SETTINGS } from '../bench/settings.js';
import type { SettingTable } from '../command.js';
import { SETTINGS } from '../settings.js';
import { SHELLS } from './script.js';

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  pool: ['A', 'B'],
  priority: ['high', 'medium', 'low'],
  arrivals: ARRIVALS,
};

/**
 * What may stand where the last of these words begins; nothing where that is free, such as a path or
 * an operand.
 */
export function candidatesAt(words: readonly string[]): string[] {
  // bash makes three words of `--pool=A`, the other shells one, of which all has to be completed.
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => word !== '=');
  const [, option, value] = /^(--[a-z-]+)=(.*)$/s.exec(last) ?? [];
  const [all, current, prefix] =
    option !== undefined && value !== undefined
      ? [valuesOf(option), value, `${option}=`]
      : [wordsAfter(before), last === '=' ? '' : last, ''];
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
  if (previous.startsWith('--') && setting?.isSwitch === false) return valuesOf(previous);
  const options = [...Object.keys(settings), 'help', 'version'].map((name) => `--${name}`);
  const left = options.filter((option) => !before.includes(option));
  return before.length === 0 ? ['bench', 'completion', ...left] : left;
}

function valuesOf(option: string): readonly string[] {
  return CHOICES[option.slice(2)] ?? [];
}
