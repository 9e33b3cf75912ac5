const MAX_VM = 2 ** 32 - 1;
const MAX_VMS = 10_000;

/**
 * Understands which VMs are meant: `30` is VM 1 to 30, `1,3,7-9` are those five.
 *
 * @returns Their numbers, ascending, each once; undefined if it makes no sense, or is more than
 *   10 000.
 */
export function parseVmList(text: string): readonly number[] | undefined {
  const ranges = (/^[1-9][0-9]{0,9}$/.test(text) ? `1-${text}` : text).split(',').map(parseRange);
  const vms = new Set<number>();
  for (const range of ranges) {
    if (range === undefined || range.last - range.first >= MAX_VMS) return undefined;
    for (let vm = range.first; vm <= range.last; vm += 1) vms.add(vm);
  }
  return vms.size > MAX_VMS ? undefined : [...vms].sort((a, b) => a - b);
}

function parseRange(text: string): { first: number; last: number } | undefined {
  const [, from = '', to = from] = /^([1-9][0-9]{0,9})(?:-([1-9][0-9]{0,9}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return first > 0 && first <= last && last <= MAX_VM ? { first, last } : undefined;
}
