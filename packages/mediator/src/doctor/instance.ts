import { type Diagnosis, finding, ok } from './diagnosis.js';

export interface InstanceFacts {
  /** Whether a process holds the lock in the state directory, or why that cannot be determined. */
  readonly lock: boolean | Error;
  /** Whether there is a control socket. */
  readonly hasSocket: boolean;
  /** The mediator that responds there; undefined if none does. */
  readonly running: { readonly pid: number; readonly root: string } | undefined;
  readonly root: string;
}

/** Whether a running mediator responds, and a stopped one has left no socket. */
export function checkInstance({ lock, hasSocket, running, root }: InstanceFacts): Diagnosis[] {
  if (lock instanceof Error) {
    return [
      finding(
        lock.message,
        'use a file system with locks; if the addon does not load, install util-linux for flock',
      ),
    ];
  }
  if (running !== undefined) {
    if (running.root === root) return [ok(`a mediator is running, pid ${running.pid}`)];
    return [
      finding(
        `the mediator with this state directory, pid ${running.pid}, serves ${running.root}, not ${root}`,
        'give its --root, or another --state-dir',
      ),
    ];
  }
  if (lock) {
    return [
      finding(
        'a mediator uses the state directory, but does not respond: it is starting or stopping, or it hangs',
        'see its log; if it hangs, kill it (its process ID is in <state-dir>/lock) and restart it: no request ' +
          'is lost',
      ),
    ];
  }
  if (hasSocket) {
    return [
      finding(
        'no mediator is running, but the control socket of a killed one exists',
        'see the end of its log; the next start replaces the socket',
      ),
    ];
  }
  return [ok('no mediator is running')];
}
