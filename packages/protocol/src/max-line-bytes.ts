/** The most bytes of a request or a response, newline included (64 KiB). */
export const MAX_LINE_BYTES = 65_536;
