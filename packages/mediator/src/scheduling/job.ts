import type { QueuedRequest } from './queued-request.js';
import type { Ticket } from './request-source.js';

/** A queued request on the host to which it was handed over. */
export interface Job extends QueuedRequest {
  readonly ticket: Ticket;
}
