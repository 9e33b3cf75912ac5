import { type Diagnosis, finding, ok, orOk, skipped } from './diagnosis.js';
import { type FileFacts, octal } from './directory-facts.js';

/** Whether the root is a directory in which only its owner can create VM directories. */
export function checkRoot(path: string, root: FileFacts | undefined): Diagnosis[] {
  if (root === undefined) {
    return [
      finding(
        `the root ${path} does not exist`,
        `install -d -m 0755 ${path}, or give another --root`,
      ),
    ];
  }
  if (root.kind !== 'directory') {
    return [finding(`the root ${path} is not a directory`, 'give another --root')];
  }
  if ((root.mode & 0o022) !== 0) {
    return [
      finding(
        `users other than its owner can write to the root ${path} (mode ${octal(root.mode)}), and create VM ` +
          'directories',
        `chmod go-w ${path}`,
      ),
    ];
  }
  return [ok(`only its owner can write to the root ${path}`)];
}

export interface StateFacts {
  readonly path: string;
  /** undefined if there is none. */
  readonly state: FileFacts | undefined;
  readonly registry: FileFacts | undefined;
  /** The owner of the root: the mediator's user. */
  readonly owner: number | undefined;
  readonly isWithinRoot: boolean;
}

/** Whether only the mediator's user can use the state directory and the registry. */
export function checkState({
  path,
  state,
  registry,
  owner,
  isWithinRoot,
}: StateFacts): Diagnosis[] {
  if (state === undefined) {
    return [
      skipped(`the state directory ${path} does not exist yet; the mediator or vm add creates it`),
    ];
  }
  const findings: Diagnosis[] = [];
  if (isWithinRoot) {
    findings.push(
      finding(
        `the state directory ${path} is within the root, where VMs may reach it`,
        'give another --state-dir',
      ),
    );
  }
  // QEMU's user may have execute permission.
  if ((state.mode & 0o066) !== 0) {
    findings.push(
      finding(
        `users other than its owner can read or write the state directory ${path} (mode ${octal(state.mode)})`,
        `chmod 0700 ${path}`,
      ),
    );
  }
  if (owner !== undefined && state.uid !== owner) {
    findings.push(
      finding(
        `the state directory ${path} belongs to user ${state.uid}, but the root to user ${owner}; both must ` +
          "belong to the mediator's user",
        `chown -R ${owner} ${path}, if that is its user`,
      ),
    );
  }
  if (registry !== undefined && ((registry.mode & 0o077) !== 0 || registry.uid !== state.uid)) {
    findings.push(
      finding(
        `${registry.path} has mode ${octal(registry.mode)} and belongs to user ${registry.uid}; only user ` +
          `${state.uid} should have access`,
        `chown ${state.uid} ${registry.path}; chmod 0600 ${registry.path}`,
      ),
    );
  }
  return orOk(findings, `only its owner can use the state directory ${path}`);
}

export interface RegistryFacts {
  /** Why it cannot be read, if so. */
  readonly problem: string | undefined;
  readonly registered: number;
  /** The problems of the register blocks of registered VMs. */
  readonly blocks: readonly { readonly vm: number; readonly problem: string }[];
  /** Register blocks of VMs that are not registered. */
  readonly strayBlocks: readonly string[];
}

/** Whether the registry can be read, and each VM has its register block. */
export function checkRegistry(facts: RegistryFacts): Diagnosis[] {
  const { problem, registered, blocks, strayBlocks } = facts;
  if (problem !== undefined) {
    return [finding(problem, 'correct the file, or restore a copy; then send SIGHUP')];
  }
  const findings = [
    ...blocks.map(({ vm, problem: what }) =>
      finding(
        what,
        `rewrite it with vgpu-mediator vm add ${vm} --replace and its pool and priority`,
      ),
    ),
    ...strayBlocks.map((path) =>
      finding(`${path} is the register block of a VM that is not registered`, `rm ${path}`),
    ),
  ];
  return orOk(findings, `${registered} VMs are registered, and have their register blocks`);
}
