import { markdownTable } from './markdown-table.js';

/** One reason for which a program ends with a status. */
export interface ExitStatus<Command extends string = string> {
  /** A number, or several that mean the same. */
  readonly status: number | string;
  /** Why, without a full stop; names are in backquotes. */
  readonly meaning: string;
  /** The commands that can end so; every command if undefined. */
  readonly commands?: readonly Command[];
}

/** What the help of a command says about its exit status. */
export function exitStatusText<Command extends string>(
  statuses: readonly ExitStatus<Command>[],
  command: Command,
): string {
  const own = statuses.filter(({ commands }) => commands?.includes(command) ?? true);
  const parts = byStatus(own).map(([status, reasons]) => {
    const meanings = reasons.map(({ meaning }) => meaning);
    return `${status} ${meanings.join(', or ')}`;
  });
  return `Exit status: ${parts.join('; ')}.`.replaceAll('`', '');
}

/** The statuses of a program for the documentation, as a table of Markdown. */
export function exitStatusTable(statuses: readonly ExitStatus[]): string {
  const rows = byStatus(statuses).map(([status, reasons]) => [
    status,
    reasons
      .map(({ meaning, commands }) =>
        commands === undefined
          ? meaning
          : `${commands.map((command) => `\`${command}\``).join(', ')}: ${meaning}`,
      )
      .join('; '),
  ]);
  return markdownTable(['status', 'meaning'], rows);
}

function byStatus<Command extends string>(
  statuses: readonly ExitStatus<Command>[],
): (readonly [status: string, reasons: readonly ExitStatus<Command>[]])[] {
  const names = [...new Set(statuses.map(({ status }) => String(status)))];
  return names.map((name) => [name, statuses.filter(({ status }) => String(status) === name)]);
}
