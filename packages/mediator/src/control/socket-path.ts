import { constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { closeRead } from '@vgpu/linux';

const NAME = 'control.sock';

/** The socket by which commands reach the mediator that uses a state directory. */
export function controlSocketOf(stateDir: string): string {
  return join(stateDir, NAME);
}

/** The same socket under a name that is short whatever the directory's is: a socket's has 107 bytes at most. */
export interface ShortPath {
  readonly path: string;
  /** To be called when the name is no longer needed. */
  readonly release: () => void;
}

/** @throws the error of open(2). */
export function shortControlPath(stateDir: string): ShortPath {
  const fd = openSync(stateDir, constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    path: `/proc/self/fd/${fd}/${NAME}`,
    release: () => {
      closeRead(fd);
    },
  };
}
