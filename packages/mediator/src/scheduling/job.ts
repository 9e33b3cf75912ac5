import type { Request, Slot } from '@vgpu/protocol';
import type { Handle } from '@vgpu/queue';
import type { Claim } from '../intake/admission.js';
import type { FileIdentity } from '../spool/file-identity.js';
import type { VmSpool } from '../spool/vm-spool.js';

/** A request from its admission to its answer. It never holds what is not on disk as well. */
export interface Job {
  readonly spool: VmSpool;
  readonly slot: Slot;
  /** The name of the request file. */
  readonly name: string;
  /** The file as it was last seen: the job is void once something else stands there. */
  file: FileIdentity;
  /** The plain slot's request as it was read. */
  readonly plainText?: string | undefined;
  readonly request: Request;
  /** What the line said instead, where the registry decided. */
  readonly claim?: Claim | undefined;
  /** Nanoseconds since the epoch, by the host's clock: what decides among equals. */
  readonly arrivalNs: bigint;
  /** When the job was admitted (milliseconds on the monotonic clock). */
  readonly admittedMs: number;
  /** From its admission to the device, milliseconds; once it is there. */
  waitMs?: number;
  /** The number of the device it was given to last. */
  device?: number | undefined;
  /** Its number in the order of arrival; the queue gives it. */
  seq?: number;
  /** Its place, as long as it is queued; the queue's own. */
  handle?: Handle | undefined;
  /** How often a device was lost while it computed this. */
  deviceFaults?: number;
}

/** What the log says of a job. */
export function describe({ spool, slot, request: { pool, priority }, claim, seq }: Job) {
  return {
    vm: spool.vm,
    slot: slotLabel(slot),
    pool,
    priority,
    ...(claim && { claimedPool: claim.pool, claimedPriority: claim.priority }),
    seq,
  };
}

/** A named slot's id; `.`, which no id can be, for the plain slot. */
export function slotLabel(slot: Slot): string {
  return slot.kind === 'plain' ? '.' : slot.id;
}
