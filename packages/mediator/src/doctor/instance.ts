import { type Diagnosis, finding, ok } from './diagnosis.js';

export interface InstanceFacts {
  /** Whether a process holds the lock in the state directory, or why nobody can tell. */
  readonly lock: boolean | Error;
  /** Whether there is a control socket. */
  readonly hasSocket: boolean;
  /** The process that answers there; undefined if none does. */
  readonly answering: { readonly pid: number; readonly root: string } | undefined;
  readonly root: string;
}

/** Whether a mediator that runs answers, and nothing is left of one that does not. */
export function checkInstance({ lock, hasSocket, answering, root }: InstanceFacts): Diagnosis[] {
  if (lock instanceof Error) {
    return [
      finding(
        lock.message,
        'use a file system that has locks; where the addon does not load, install util-linux for flock',
      ),
    ];
  }
  if (answering !== undefined) {
    if (answering.root === root) return [ok(`a mediator is running, pid ${answering.pid}`)];
    return [
      finding(
        `the mediator with this state directory, pid ${answering.pid}, serves ${answering.root}, not ${root}`,
        'give the --root that it has, or another --state-dir',
      ),
    ];
  }
  if (lock) {
    return [
      finding(
        'a mediator holds the state directory, but does not answer: it is starting, or ending, or hangs',
        'look at its log; if it hangs, end it (its process number is in <state-dir>/lock) and start it again: no ' +
          'request is lost',
      ),
    ];
  }
  if (hasSocket) {
    return [
      finding(
        'no mediator is running, but there is the control socket of one: it was killed',
        'look at the end of its log; the next start replaces the socket',
      ),
    ];
  }
  return [ok('no mediator is running, and nothing is left of one')];
}
