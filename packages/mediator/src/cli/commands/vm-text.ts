import { priorityName } from '@vgpu/protocol';
import type { Registration } from '../../state/registration.js';
import { type Flags, JSON_OPTION, LOCATION, type Surroundings } from './command.js';
import { noteObedience, obedience } from './obedience.js';

/** What every command that changes something about a VM has. */
export const CHANGE_OPTIONS = { ...JSON_OPTION, ...LOCATION };

/** The keys are a contract: see the README. */
export function vmObject(vm: number, registration: Registration) {
  const { pool, priority, suspended, rateLimit, maxQueued } = registration;
  return {
    vm,
    pool,
    priority,
    suspended,
    rateLimit: rateLimit ?? null,
    maxQueued: maxQueued ?? null,
  };
}

/** One line about a registration. */
function describeVm(vm: number, registration: Registration): string {
  const { pool, priority, suspended, rateLimit, maxQueued } = registration;
  return [
    `VM ${vm}: pool ${pool}`,
    `priority ${priorityName(priority)}`,
    ...(rateLimit ? [`rate limit ${rateText(rateLimit)}`] : []),
    ...(maxQueued === undefined ? [] : [`${maxQueued} queued at most`]),
    ...(suspended ? ['suspended'] : []),
  ].join(', ');
}

export function rateText({ perSecond, burst }: NonNullable<Registration['rateLimit']>): string {
  return `${perSecond}/s burst ${burst}`;
}

/** Prints what is registered now, once the mediator that is running obeys. */
export async function printChanged(
  vm: number,
  registration: Registration,
  stateDir: string,
  flags: Flags,
  surroundings: Surroundings,
): Promise<void> {
  const mediator = await obedience(stateDir);
  if (flags['json'] === true) {
    surroundings.print(JSON.stringify({ ...vmObject(vm, registration), mediator }, null, 2));
    return;
  }
  surroundings.print(describeVm(vm, registration));
  noteObedience(mediator, surroundings);
}
