/** Decodes text in which some bytes are written as three octal digits, such as `\040` for a space. */
export function unescapeOctal(text: string): string {
  return text.replaceAll(/(?:\\[0-7]{3})+/g, (codes) =>
    Buffer.from(
      codes
        .slice(1)
        .split('\\')
        .map((code) => parseInt(code, 8)),
    ).toString('utf8'),
  );
}
