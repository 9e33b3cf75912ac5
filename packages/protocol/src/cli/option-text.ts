import { markdownTable } from './markdown-table.js';

/** What the help and the documentation say about an option. */
export interface OptionText {
  /** What it does, without a full stop; values and other names are in backquotes. */
  readonly describe: string;
  /** What its value is, such as `duration`; undefined for a switch, which has none. */
  readonly takes: string | undefined;
  /** The default as it would be typed, or in words; undefined if there is none. */
  readonly defaultText?: string | undefined;
  /** The heading in the help under which it stands; undefined for the general one. */
  readonly group?: string | undefined;
  /** Whether a running program takes over a new value when it reloads its configuration. */
  readonly isReloadable?: boolean | undefined;
}

/** Options by the names of their flags. */
export type OptionTexts = Readonly<Record<string, OptionText>>;

/** The variable of the environment for an option: `VGPU_VM_ID` for `vm-id`. */
export function variableOf(option: string): string {
  return `VGPU_${option.toUpperCase().replaceAll('-', '_')}`;
}

/** The text of an option for a terminal, with its default. */
export function helpOf({ describe, defaultText }: OptionText): string {
  const suffix = defaultText === undefined ? '' : ` [default: ${defaultText}]`;
  return `${describe}${suffix}`.replaceAll('`', '');
}

/**
 * The options for the documentation, as a table of Markdown; with a column for reloads where that
 * is known.
 */
export function optionTable(options: OptionTexts): string {
  const entries = Object.entries(options);
  const hasReloads = entries.some(([, { isReloadable }]) => isReloadable !== undefined);
  const rows = entries.map(([name, { describe, takes, defaultText, isReloadable }]) => [
    `\`--${name}${takes === undefined ? '' : ` <${takes}>`}\``,
    `\`${variableOf(name)}\``,
    defaultText === undefined ? '' : shownDefault(defaultText),
    ...(hasReloads ? [isReloadable === true ? 'yes' : 'no'] : []),
    describe,
  ]);
  const headings = ['flag', 'variable', 'default', ...(hasReloads ? ['reload'] : []), 'meaning'];
  return markdownTable(headings, rows);
}

/** A value is code; words are not. */
function shownDefault(text: string): string {
  return /[ `]/.test(text) ? text : `\`${text}\``;
}

/**
 * The first option with a value that is given more than once.
 *
 * @param argv A command line; what follows `--` are no options.
 * @param hasValue Whether the flag of that name has a value.
 */
export function repeatedOption(
  argv: readonly string[],
  hasValue: (name: string) => boolean,
): string | undefined {
  const end = argv.indexOf('--');
  const names = (end < 0 ? argv : argv.slice(0, end))
    .map((argument) => /^--([^=]+)/.exec(argument)?.[1])
    .filter((name) => name !== undefined && hasValue(name));
  return names.find((name, index) => names.indexOf(name) < index);
}
