import { readdirSync, readFileSync } from 'node:fs';

/** How long the threads of a process have been on a CPU so far, in seconds. */
export function cpuSeconds(/** @type {number} */ pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  // The first number is nanoseconds; those of /proc/<pid>/stat are hundredths of a second.
  const times = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return times.reduce((sum, ns) => sum + ns, 0) / 1e9;
}

export const residentMiB = (/** @type {number} */ pid) => statusMiB(pid, 'VmRSS');

/** The peak of its resident memory so far. */
export const peakMiB = (/** @type {number} */ pid) => statusMiB(pid, 'VmHWM');

/** @param {number} pid @param {string} name */
function statusMiB(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1]) / 1024;
}
