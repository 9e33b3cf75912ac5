const MAX_TRIES = 10_000;

/** A text that still fails, but from which no piece can be removed and no character made simpler. */
export function shrink(text: string, fails: (candidate: string) => boolean): string {
  let smallest = text;
  let tries = 0;
  const accept = (candidate: string) => {
    tries += 1;
    if (tries > MAX_TRIES || candidate === smallest || !fails(candidate)) return false;
    smallest = candidate;
    return true;
  };
  for (let size = Math.ceil(text.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.length;) {
      if (!accept(smallest.slice(0, at) + smallest.slice(at + size))) at += size;
    }
  }
  for (let at = 0; at < smallest.length; at += 1) {
    for (const simple of ['0', '1', 'A', ' ']) {
      if (smallest[at] === simple) break;
      if (accept(smallest.slice(0, at) + simple + smallest.slice(at + 1))) break;
    }
  }
  return smallest;
}
