/**
 * Makes text of unknown origin fit for display: printable ASCII only, in double quotes, everything
 * else as an escape of a JavaScript string (`\n`, `\x7f`, `\u2028`), and cut after `limit`
 * characters with a note of the whole length.
 *
 * @param text Of any length and content.
 * @param limit The most characters of the text to show.
 */
export function printable(text: string, limit = 40): string {
  const shown = JSON.stringify(text.slice(0, limit)).replace(/[^\x20-\x7e]/g, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return text.length > limit ? `${shown}... (${text.length} characters)` : shown;
}

/**
 * Controls (C0, DEL, C1), separators of lines and paragraphs, marks that change the direction of text
 * (UAX #9) and other invisible ones, and halves of surrogate pairs.
 */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Makes text of unknown origin safe for a terminal and for a line of a log: each invisible character that
 * controls them becomes an escape of JSON (`\n`, `\u001b`, `\u2028`); all other characters stay. So JSON
 * stays the same JSON. Unlike {@link printable} it neither quotes nor cuts.
 *
 * @param text Of any length and content.
 * @param except Characters to keep, such as `'\n'`.
 */
export function escapeControls(text: string, except = ''): string {
  return text.replace(CONTROLS, (character) =>
    except.includes(character)
      ? character
      : JSON.stringify(character)
          .slice(1, -1)
          .replace(
            /[^\x20-\x7e]/g,
            (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
          ),
  );
}
