import { parsePriority, type Priority } from '@vgpu/protocol';
import { VgpuError } from '../../errors.js';

const MAX_VM = 2 ** 32 - 1;
const MAX_VMS = 10_000;

/**
 * Reads a list of VMs: `30` is VM 1 to 30, `1,3,7-9` are those five.
 *
 * @returns Their numbers, ascending, each once; undefined if the text is invalid, or has more
 *   than 10 000.
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

/** One priority for all VMs, or a list of priorities with their numbers of VMs. */
export type PriorityMix = Priority | readonly PriorityShare[];

export interface PriorityShare {
  readonly priority: Priority;
  readonly vms: number;
}

/** Reads `high`, or `high=10,low=20`; undefined if the text is invalid. */
export function parsePriorityMix(text: string): PriorityMix | undefined {
  const one = parsePriority(text);
  if (one !== undefined) return one;
  const shares = text.split(',').map(parseShare);
  return shares.every((share) => share !== undefined) ? shares : undefined;
}

function parseShare(text: string): PriorityShare | undefined {
  const [, name = '', vms] = /^([a-z0-9]+)=([0-9]{1,5})$/.exec(text) ?? [];
  const priority = parsePriority(name);
  return priority === undefined ? undefined : { priority, vms: Number(vms) };
}

/**
 * The priorities of VMs, in the order of the mix.
 *
 * @throws VgpuError `INVALID_OPTION` if the numbers of the mix do not add up to that of the VMs.
 */
export function prioritiesOf(mix: PriorityMix, vms: number): readonly Priority[] {
  if (typeof mix === 'number') return new Array<Priority>(vms).fill(mix);
  const priorities = mix.flatMap((share) => new Array<Priority>(share.vms).fill(share.priority));
  if (priorities.length === vms) return priorities;
  throw new VgpuError(
    'INVALID_OPTION',
    `--priority: expected numbers that add up to ${vms}, the number of VMs, ` +
      `got ${priorities.length}`,
  );
}
