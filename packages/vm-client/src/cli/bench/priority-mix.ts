import { parsePriority, type Priority } from '@vgpu/protocol';
import { VgpuError } from '../../errors.js';

/** One priority for all VMs, or a priority for so many after those before. */
export type PriorityMix = Priority | readonly PriorityShare[];

export interface PriorityShare {
  readonly priority: Priority;
  readonly vms: number;
}

/** Understands `high`, or `high=10,low=20`; undefined if it makes no sense. */
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
 * The priorities of so many VMs, in the order of the mix.
 *
 * @throws VgpuError `INVALID_OPTION` where the numbers of the mix do not add up to that.
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
