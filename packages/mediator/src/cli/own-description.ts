import { constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Opens the file of a descriptor again, so that writing never waits for its reader. `O_NONBLOCK`
 * belongs to the open file description (open(2)), which the descriptor itself shares with other
 * processes, such as the shell.
 *
 * @returns A new descriptor of a terminal or a pipe. Otherwise, and if it cannot be opened, the
 *   same descriptor: a new one of a file would have its own position, a socket cannot be opened,
 *   and a terminal may belong to another user.
 */
export function ownDescription(fd: number): number {
  // As bigint: after any other stat of a FIFO, Node 20 resolves no symbolic link of an imported module
  // (`realpathSync` reuses the result of the last stat).
  const facts = fstatSync(fd, { bigint: true });
  if (!facts.isCharacterDevice() && !facts.isFIFO()) return fd;
  const paths = [`/proc/self/fd/${fd}`];
  // Every user can open /dev/tty, also if the terminal belongs to another user, as after setpriv(1).
  if (facts.isCharacterDevice() && facts.rdev === BigInt(controllingTerminal()))
    paths.push('/dev/tty');
  for (const path of paths) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // The next path may work.
    }
  }
  return fd;
}

/** The device number of this process's terminal; 0 if it has none (proc_pid_stat(5), `tty_nr`). */
function controllingTerminal(): number {
  try {
    const [, rest = ''] = /.*\) (.*)/s.exec(readFileSync('/proc/self/stat', 'utf8')) ?? [];
    return Number(rest.split(' ')[4]);
  } catch {
    return 0;
  }
}
