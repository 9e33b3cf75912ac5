import { spawnSync } from 'node:child_process';

/**
 * Puts directories over others of the machine, for one process: `unshare` and `mount` of
 * util-linux, in a user namespace where the tests don't run as root.
 *
 * @param mounts Pairs of a directory and the one to show it in place of.
 * @returns The command, to be followed by the program and its arguments.
 */
export function inPlaceOf(...mounts: readonly (readonly [string, string])[]): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const binds = mounts.map(
    (_pair, index) => `mount --bind "$${2 * index + 1}" "$${2 * index + 2}"`,
  );
  const script = [...binds, `shift ${2 * mounts.length}`, 'exec "$@"'].join(' && ');
  return ['unshare', '--mount', ...asRoot, 'sh', '-c', script, 'sh', ...mounts.flat()];
}

/** Whether that can be done here. */
export function canMount(): boolean {
  const [command = '', ...args] = inPlaceOf(['/tmp', '/sys']);
  return spawnSync(command, [...args, 'true']).status === 0;
}

/** What makes the tests run that need it. */
export const HOW_TO_MOUNT =
  'skipped: it needs a mount namespace (be root, or allow user namespaces, with util-linux)';
