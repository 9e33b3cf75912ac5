import { constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { closeRead } from '@vgpu/linux';

const NAME = 'control.sock';

/** The control socket of the mediator that uses a state directory. */
export function controlSocketOf(stateDir: string): string {
  return join(stateDir, NAME);
}

/** The same socket under a short path: the path of a socket has at most 107 bytes. */
export interface ShortPath {
  readonly path: string;
  /** To be called when the path is no longer needed. */
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
