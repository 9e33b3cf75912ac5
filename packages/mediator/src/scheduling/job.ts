import type { Slot } from '@vgpu/protocol';
import type { Ticket } from '../spool/ticket.js';
import type { VmSpool } from '../spool/vm-spool.js';
import type { QueuedRequest } from './queued-request.js';

/** A queued request together with its file, on the host whose file it is. */
export interface Job extends QueuedRequest {
  readonly spool: VmSpool;
  readonly ticket: Ticket;
}

/** A named slot's id; `.`, which no id can be, for the plain slot. */
export function slotLabel(slot: Slot): string {
  return slot.kind === 'plain' ? '.' : slot.id;
}
