/**
 * Whether a line that was read from a file has been written as a whole: it ends in a newline and no part
 * of it is missing. A network file system may write the pages of a file in any order, and a file may be
 * given its size before its content; what is not written yet reads as NUL, which no line contains.
 *
 * @param text The content of the file, a character for each byte.
 */
export function isCompleteLine(text: string): boolean {
  return text.endsWith('\n') && !text.includes('\0');
}
