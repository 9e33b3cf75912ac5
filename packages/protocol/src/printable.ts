/**
 * Makes text of unknown origin fit to be shown: printable ASCII only, in double quotes, everything
 * else as an escape of a JavaScript string (`\n`, `\x7f`, `\u2028`), and cut after `limit`
 * characters with a note of the whole length.
 *
 * @param text Of any length and content.
 * @param limit The most characters of it that are shown.
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
