import { type Diagnosis, finding, orOk } from './diagnosis.js';

export interface RegistryFacts {
  /** Why it cannot be read. */
  readonly problem: string | undefined;
  readonly registered: number;
  /** What is wrong with the register blocks of VMs that are registered. */
  readonly blocks: readonly { readonly vm: number; readonly problem: string }[];
  /** Register blocks of VMs that are not. */
  readonly strayBlocks: readonly string[];
}

/** Whether the registry can be read, and each VM has its register block. */
export function checkRegistry(facts: RegistryFacts): Diagnosis[] {
  const { problem, registered, blocks, strayBlocks } = facts;
  if (problem !== undefined) {
    return [finding(problem, 'correct the file, or put back a copy; then send SIGHUP')];
  }
  const findings = [
    ...blocks.map(({ vm, problem: what }) =>
      finding(
        what,
        `write it anew by vgpu-mediator vm add ${vm} --replace with its pool and priority`,
      ),
    ),
    ...strayBlocks.map((path) =>
      finding(`${path} is the register block of a VM that is not registered`, `rm ${path}`),
    ),
  ];
  return orOk(findings, `${registered} VMs are registered, and have their register blocks`);
}
