import type { Identity } from '@vgpu/protocol';
import { VgpuError } from './errors.js';

/** What one source says about a VM: flags, environment, or the registers of its device. */
export type Claim = { readonly [Field in keyof Identity]?: Identity[Field] | undefined };

/** What holds where no source says more. There is no default VM: it would be somebody else. */
export const DEFAULTS = { pool: 'A', priority: 1 } as const satisfies Claim;

/**
 * Who this VM is: each field from the first source that has it; if none has, the pool is `A`
 * and the priority 1.
 *
 * @param sources The one that counts most first.
 * @throws VgpuError `NO_IDENTITY` if no source names the VM.
 */
export function resolveIdentity(...sources: readonly Claim[]): Identity {
  const first = <T>(choose: (source: Claim) => T | undefined) =>
    sources.map(choose).find((value) => value !== undefined);
  const vm = first((source) => source.vm);
  if (vm === undefined) {
    throw new VgpuError(
      'NO_IDENTITY',
      'nothing says which VM this is; give its number with --vm-id or VGPU_VM_ID, ' +
        'or a file with its register block with --device or VGPU_DEVICE',
    );
  }
  return {
    pool: first((source) => source.pool) ?? DEFAULTS.pool,
    priority: first((source) => source.priority) ?? DEFAULTS.priority,
    vm,
  };
}
