import { Pool, parsePriority, printable, type Priority, VmDirectoryName } from '@vgpu/protocol';
import * as z from 'zod/mini';
import { MediatorError } from '../../mediator-error.js';
import type { Flags } from './command.js';

const MAX_USER = 0xffff_fffe;

/** The VM that a command is about. @throws MediatorError `USAGE`. */
export function vmOf({ id }: Flags): number {
  const vm = z.safeDecode(VmDirectoryName, `vm${String(id)}`);
  if (vm.success) return vm.data;
  throw expected('<id>', 'a decimal number from 1 to 4294967295 without leading zeros', id);
}

/** @throws MediatorError `USAGE`. */
export function poolOf({ pool }: Flags): Pool {
  const { success, data } = Pool.safeParse(pool);
  if (success) return data;
  throw expected('--pool', 'A or B', pool);
}

/** @throws MediatorError `USAGE`. */
export function priorityOf({ priority }: Flags): Priority {
  const level = parsePriority(String(priority));
  if (level !== undefined) return level;
  throw expected('--priority', 'high, medium, low, 2, 1 or 0', priority);
}

/**
 * A number of a user or a group; root's is none for a VM.
 *
 * @returns undefined if the option is not given.
 * @throws MediatorError `USAGE`.
 */
export function userNumberOf(flags: Flags, option: 'gid' | 'qemu-uid'): number | undefined {
  const text = flags[option];
  if (text === undefined) return undefined;
  const number = typeof text === 'string' && /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : 0;
  if (number > 0 && number <= MAX_USER) return number;
  throw expected(`--${option}`, `a number from 1 to ${MAX_USER}`, text);
}

function expected(what: string, expectation: string, received: unknown): MediatorError {
  return new MediatorError(
    'USAGE',
    `${what}: expected ${expectation}, got ${printable(String(received))}; see vgpu-mediator vm --help`,
  );
}
