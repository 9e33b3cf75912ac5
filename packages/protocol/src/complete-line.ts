/**
 * Whether a file's line has been written as a whole: it ends in a newline and no part of it is missing. A
 * network file system may write the pages of a file in any order, and a file may get its size before its
 * content; unwritten parts read as NUL, which no line contains.
 *
 * @param text The content of the file, one character for each byte.
 */
export function isCompleteLine(text: string): boolean {
  return text.endsWith('\n') && !text.includes('\0');
}
