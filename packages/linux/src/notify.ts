import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { addonIfAny } from './addon.js';
import { systemError } from './errno.js';

/** Time limit of the program, in milliseconds. */
const LIMIT_MS = 5000;

/**
 * Notifies the service manager as sd_notify(3) does: with the addon, since Node has no datagram
 * sockets of this kind; where no addon loads, with the program `systemd-notify`.
 *
 * @param socketPath The value of `NOTIFY_SOCKET`: a path, or `@` and a name.
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
