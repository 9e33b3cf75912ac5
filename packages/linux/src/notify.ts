import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { addonIfAny } from './addon.js';
import { systemError } from './errno.js';

/** The time that the program may take, milliseconds. */
const LIMIT_MS = 5000;

/**
 * Tells the service manager something, as sd_notify(3) does: by the addon, since Node has no datagram
 * sockets of this kind; where there is none for this machine, by the program `systemd-notify`.
 *
 * @param socketPath What is in `NOTIFY_SOCKET`: a path, or a name with `@` before it.
 * @param assignments Such as `READY=1`.
 * @throws the error of the system call, or of the program, that failed.
 */
export async function notify(socketPath: string, ...assignments: string[]): Promise<void> {
  const addon = addonIfAny();
  if (addon === undefined) {
    const env = { ...process.env, NOTIFY_SOCKET: socketPath };
    await promisify(execFile)('systemd-notify', assignments, { env, timeout: LIMIT_MS });
    return;
  }
  const status = addon.notify(socketPath, assignments.join('\n'));
  if (status < 0) throw systemError(status, 'sendto', socketPath);
}
