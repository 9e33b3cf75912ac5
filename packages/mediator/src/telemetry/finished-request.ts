import type { ErrorCode, Pool, Priority } from '@vgpu/protocol';

/**
 * How a request ended: with its sum as the response (`OK`), with an error code, withdrawn by its
 * client, or without a place for the response.
 */
export type Outcome = 'OK' | ErrorCode | 'WITHDRAWN' | 'UNDELIVERABLE';

/** A finished request. Its claims are unknown if its line could not be read. */
export interface FinishedRequest {
  /** The number of the VM that owns its directory. */
  readonly vm: number;
  /** The slot's ID; `.` for the plain slot. */
  readonly slot: string;
  /** Its effective pool: the registered one, or the claimed one. */
  readonly pool?: Pool;
  /** Its effective priority: the registered one, or the claimed one. */
  readonly priority?: Priority;
  /** Whether its line claimed another pool or priority than the registry gives the VM. */
  readonly isClaimOverridden?: boolean;
  /** How it ended. */
  readonly outcome: Outcome;
  /** The text of an error response; it may quote the VM's request. */
  readonly error?: string | undefined;
  /** From admission to the device, in milliseconds; absent if it reached no device. */
  readonly waitMs?: number;
  /** On the device, in milliseconds; absent if it reached no device. */
  readonly execMs?: number;
  /** The number of that device; absent if it reached no device. */
  readonly device?: number | undefined;
  /** From admission to the end, in milliseconds; absent if it was not admitted. */
  readonly durationMs?: number;
}
