import { type Diagnosis, finding, ok } from './diagnosis.js';

export interface OpenFilesFacts {
  readonly directories: number;
  /** How many files the mediator may open; of the one that is running, else of this process. */
  readonly limit: number;
}

/** For sockets, devices, logs, and the files of VMs. */
const SPARE_FILES = 128;

/** Whether the mediator may open all VM directories: it holds each of them open. */
export function checkOpenFiles({ directories, limit }: OpenFilesFacts): Diagnosis[] {
  const needed = directories + SPARE_FILES;
  if (limit >= needed) return [ok(`the mediator may open ${limit} files`)];
  return [
    finding(
      `${directories} VM directories need some ${needed} open files; the mediator may have ${limit}`,
      `LimitNOFILE=${2 * needed} in its unit, or ulimit -n ${2 * needed}`,
    ),
  ];
}
