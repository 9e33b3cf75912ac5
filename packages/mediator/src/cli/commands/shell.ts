import { LOCATION, type Flags } from './command.js';

/** Words for a shell, quoted where needed. */
export function shellWords(words: readonly string[]): string {
  return words
    .map((word) =>
      /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
    )
    .join(' ');
}

/** Another command for the same mediator, as the user would type it. */
export function commandLineOf(words: readonly string[], flags: Flags): string {
  const location = Object.keys(LOCATION).flatMap((name) =>
    typeof flags[name] === 'string' ? [`--${name}`, flags[name]] : [],
  );
  return shellWords(['vgpu-mediator', ...words, ...location]);
}
