import { priorityName } from '@vgpu/protocol';
import type { Registration } from '../../state/registry.js';
import { type Flags, JSON_OPTION, LOCATION, type CliContext } from './command.js';
import { applyToRunning, noteApplied } from './apply-to-running.js';

/** The options of every command that changes a VM. */
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

/** A registration as one line. */
function describeVm(vm: number, registration: Registration): string {
  const { pool, priority, suspended, rateLimit, maxQueued } = registration;
  return [
    `VM ${vm}: pool ${pool}`,
    `priority ${priorityName(priority)}`,
    ...(rateLimit ? [`rate limit ${rateText(rateLimit)}`] : []),
    ...(maxQueued === undefined ? [] : [`at most ${maxQueued} queued`]),
    ...(suspended ? ['suspended'] : []),
  ].join(', ');
}

export function rateText({ perSecond, burst }: NonNullable<Registration['rateLimit']>): string {
  return `${perSecond}/s burst ${burst}`;
}

/** Has the running mediator apply a new registration, then prints it. */
export async function printChanged(
  vm: number,
  registration: Registration,
  stateDir: string,
  flags: Flags,
  context: CliContext,
): Promise<void> {
  const mediator = await applyToRunning(stateDir);
  if (flags['json'] === true) {
    context.print(JSON.stringify({ ...vmObject(vm, registration), mediator }, null, 2));
    return;
  }
  context.print(describeVm(vm, registration));
  noteApplied(mediator, context);
}
