import type { Slot } from '@vgpu/protocol';
import type { FileIdentity } from './file-identity.js';

/**
 * The file of an admitted request, from its admission to its response. It never leaves the host whose file it
 * is, and holds nothing that is not on disk as well.
 */
export interface Ticket {
  readonly slot: Slot;
  /** The name of the request file. */
  readonly name: string;
  /** The file as it was last seen: the ticket is void once something else stands there. */
  file: FileIdentity;
  /** The plain slot's request as it was read. */
  readonly plainText?: string | undefined;
  /** What its operands take up in memory. */
  readonly bytes: number;
}
