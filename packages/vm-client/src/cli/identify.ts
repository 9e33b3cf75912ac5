import type { Identity } from '@vgpu/protocol';
import { type Claim, resolveIdentity } from '../identity.js';

/**
 * The identity from flags and variables, completed from the registers of the device: the given one,
 * or the only one if flags and variables do not name the VM.
 *
 * @throws VgpuError `NO_IDENTITY`, `NO_PERMISSION` or `BAD_REGISTERS`.
 */
export async function identify(claim: Claim, device: string | undefined): Promise<Identity> {
  if (device === undefined && claim.vm !== undefined) return resolveIdentity(claim);
  const { readIdentity } = await import('../read-identity.js');
  return resolveIdentity(claim, readIdentity(device));
}
