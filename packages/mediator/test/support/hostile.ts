import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.js';

/** Something that is no regular file with one link, and how it is put where one is expected. */
export interface Hostile {
  readonly name: string;
  /** The mediator's name for it. */
  readonly what: string;
  /** @param secret A file outside the VM directory that must be neither read nor changed. */
  readonly put: (path: string, secret: string) => void;
}

export const makeFifo = (path: string): void => {
  execFileSync('mkfifo', [path]);
};

let socket: string | undefined;

/** Makes a socket without a listener: its creator was killed before it could remove it. */
export const makeSocket = (path: string): void => {
  if (socket === undefined) {
    socket = join(temporaryDirectory(), 'socket');
    const script =
      'require("node:net").createServer().listen(process.argv[1], ' +
      '() => process.kill(process.pid, "SIGKILL"))';
    spawnSync(process.execPath, ['-e', script, socket]);
  }
  linkSync(socket, path);
};

/** Makes a FIFO, a socket with a listener and, if the superuser runs the test, devices. */
export async function makeSpecialFiles(folder: string): Promise<string[]> {
  const [fifo, socket, zero, nothing] = ['fifo', 'socket', 'zero', 'null'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  makeFifo(fifo);
  const server = createServer().listen(socket).unref();
  await once(server, 'listening');
  const devices = [
    { path: zero, minor: '5' },
    { path: nothing, minor: '3' },
  ].filter(({ path, minor }) => spawnSync('mknod', [path, 'c', '1', minor]).status === 0);
  return [fifo, socket, ...devices.map(({ path }) => path)];
}

export const NON_EMPTY_DIRECTORY: Hostile = {
  name: 'a directory that is not empty',
  what: 'a directory',
  put: (path) => {
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), '');
  },
};

/** All that a mediator can remove. */
export const REMOVABLE: readonly Hostile[] = [
  {
    name: 'a symbolic link to a file outside',
    what: 'a symbolic link',
    put: (path, secret) => {
      symlinkSync(secret, path);
    },
  },
  {
    name: 'a symbolic link to nothing',
    what: 'a symbolic link',
    put: (path, secret) => {
      symlinkSync(`${secret}-missing`, path);
    },
  },
  {
    name: 'a symbolic link to itself',
    what: 'a symbolic link',
    put: (path) => {
      symlinkSync(basename(path), path);
    },
  },
  { name: 'a FIFO', what: 'a FIFO', put: makeFifo },
  { name: 'a socket', what: 'a socket', put: makeSocket },
  {
    name: 'a hard link to a file outside',
    what: 'a hard link',
    put: (path, secret) => {
      linkSync(secret, path);
    },
  },
  {
    name: 'an empty directory',
    what: 'a directory',
    put: (path) => {
      mkdirSync(path);
    },
  },
];
