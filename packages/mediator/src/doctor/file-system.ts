import { memoryFileSystem, sharedFileSystem } from '@vgpu/linux';
import { type Diagnosis, finding, orOk } from './diagnosis.js';

export interface FileSystemFacts {
  /** Paths and the types of their file systems, `f_type` of statfs(2). */
  readonly root: { readonly path: string; readonly type: number };
  readonly state: { readonly path: string; readonly type: number } | undefined;
}

/** Whether the root and the state directory are on persistent file systems of this host. */
export function checkFileSystem({ root, state }: FileSystemFacts): Diagnosis[] {
  const findings: Diagnosis[] = [];
  const network = sharedFileSystem(root.type);
  if (network !== undefined) {
    findings.push(
      finding(
        `the root ${root.path} is on ${network}: inotify does not report writes of other hosts, ` +
          'and the mediator hangs if the server does',
        'put the root on a local file system of the host that exports it, and run the mediator there',
      ),
    );
  }
  for (const { path, type } of state ? [root, state] : [root]) {
    const memory = memoryFileSystem(type);
    if (memory === undefined) continue;
    findings.push(
      finding(
        `${path} is on ${memory}: its files are lost when this host restarts`,
        'put it on a disk',
      ),
    );
  }
  const stateNetwork = state && sharedFileSystem(state.type);
  if (state !== undefined && stateNetwork !== undefined) {
    findings.push(
      finding(
        `the state directory ${state.path} is on ${stateNetwork}, where locks and the control socket may fail`,
        'use a --state-dir on a local file system',
      ),
    );
  }
  return orOk(findings, 'root and state directory are on local disks');
}
