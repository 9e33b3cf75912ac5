import type { ErrorCode, Pool, Priority } from '@vgpu/protocol';

/**
 * How a request ended: answered with its sum (`ok`) or an error code, withdrawn by its client, or
 * without a place to put the answer.
 */
export type Outcome = 'ok' | ErrorCode | 'WITHDRAWN' | 'UNDELIVERABLE';

/** A request that has left the mediator. Claims are unknown if its line could not be read. */
export interface FinishedRequest {
  /** The number of the VM in whose directory it was. */
  readonly vm: number;
  /** The slot's id; `.` for the plain one. */
  readonly slot: string;
  /** As which it was served: the registered pool, or the claimed one. */
  readonly pool?: Pool;
  /** As which it was served: the registered priority, or the claimed one. */
  readonly priority?: Priority;
  /** Whether its line claimed another pool or priority than the registry gives the VM. */
  readonly isClaimOverridden?: boolean;
  /** How it ended. */
  readonly outcome: Outcome;
  /** The text of an answer that is an error; it may quote what the VM wrote. */
  readonly error?: string | undefined;
  /** From admission to the device, in milliseconds; absent if it never got there. */
  readonly waitMs?: number;
  /** On the device, in milliseconds; absent if it never got there. */
  readonly execMs?: number;
  /** The number of that device; absent if it never got there. */
  readonly device?: number | undefined;
  /** From admission to the end, in milliseconds; absent if it was not admitted. */
  readonly durationMs?: number;
}
