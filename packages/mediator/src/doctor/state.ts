import { type Diagnosis, finding, orOk, skipped } from './diagnosis.js';
import { type FileFacts, octal } from './directory-facts.js';

export interface StateFacts {
  readonly path: string;
  /** undefined if there is none. */
  readonly state: FileFacts | undefined;
  readonly registry: FileFacts | undefined;
  /** Who owns the root: the mediator's user. */
  readonly owner: number | undefined;
  readonly isWithinRoot: boolean;
}

/** Whether the state directory and the registry are the mediator's user's, and nobody else's. */
export function checkState({
  path,
  state,
  registry,
  owner,
  isWithinRoot,
}: StateFacts): Diagnosis[] {
  if (state === undefined) {
    return [skipped(`there is no state directory ${path} yet; the mediator, or vm add, makes it`)];
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
  // To pass through it is what QEMU's user may.
  if ((state.mode & 0o066) !== 0) {
    findings.push(
      finding(
        `others than its owner may read or write the state directory ${path} (mode ${octal(state.mode)})`,
        `chmod 0700 ${path}`,
      ),
    );
  }
  if (owner !== undefined && state.uid !== owner) {
    findings.push(
      finding(
        `the state directory ${path} belongs to user ${state.uid}, and the root to user ${owner}: the ` +
          'mediator is one of them',
        `chown -R ${owner} ${path}, if that is its user`,
      ),
    );
  }
  if (registry !== undefined && ((registry.mode & 0o077) !== 0 || registry.uid !== state.uid)) {
    findings.push(
      finding(
        `${registry.path} has mode ${octal(registry.mode)} and belongs to user ${registry.uid}; it is ` +
          `to be for user ${state.uid} only`,
        `chown ${state.uid} ${registry.path}; chmod 0600 ${registry.path}`,
      ),
    );
  }
  return orOk(findings, `the state directory ${path} is its owner's only`);
}
