import { constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Opens what a descriptor refers to once more, so that writing never waits for its reader. `O_NONBLOCK`
 * belongs to the open file description (open(2)), which the descriptor itself shares with other
 * processes, such as the shell.
 *
 * @returns The descriptor itself for what is no terminal and no pipe, and where another may not be had:
 *   on a file it would have a position of its own, a socket cannot be opened, and a terminal may belong
 *   to another user.
 */
export function ownDescription(fd: number): number {
  // In numbers of 64 bits: after any other stat of a FIFO, Node 20 resolves no symbolic link of a module
  // that it imports (`realpathSync` looks at what the last stat has left).
  const facts = fstatSync(fd, { bigint: true });
  if (!facts.isCharacterDevice() && !facts.isFIFO()) return fd;
  const paths = [`/proc/self/fd/${fd}`];
  // Anybody may open it, whoever the terminal belongs to: as after setpriv(1).
  if (facts.isCharacterDevice() && facts.rdev === BigInt(controllingTerminal()))
    paths.push('/dev/tty');
  for (const path of paths) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // The next may be opened.
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
