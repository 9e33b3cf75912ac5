import type { Identity } from '@vgpu/protocol';
import { type Claim, resolveIdentity } from '../identity.js';

/**
 * What flags and variables say, and what they leave open from the registers of the device: of the
 * one that is given, or else of the one that there is if nothing else says which VM this is.
 *
 * @throws VgpuError `NO_IDENTITY`, `NO_PERMISSION` or `BAD_REGISTERS`.
 */
export async function identify(claim: Claim, device: string | undefined): Promise<Identity> {
  if (device === undefined && claim.vm !== undefined) return resolveIdentity(claim);
  const { readIdentity } = await import('../read-identity.js');
  return resolveIdentity(claim, readIdentity(device));
}
