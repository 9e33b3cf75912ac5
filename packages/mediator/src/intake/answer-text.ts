const LIMIT = 200;

/** Makes a message fit for an answer: one line of printable ASCII, 200 characters at most. */
export function answerText(message: string): string {
  return message.slice(0, LIMIT).replace(/[^\x20-\x7e]+/g, ' ');
}
