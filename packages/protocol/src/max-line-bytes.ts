/** A request or an answer, with its newline, is at most this many bytes long (64 KiB). */
export const MAX_LINE_BYTES = 65_536;
