import { readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Endpoint } from '../http/endpoint.js';
import { MediatorError } from '../mediator-error.js';
import { tolerate } from '@vgpu/linux';

/**
 * Directories that the unit of {@link unitText} hides from the mediator: ProtectHome=yes and
 * PrivateTmp=yes.
 */
const HIDDEN = ['/home', '/root', '/run/user', '/tmp', '/var/tmp'];
/**
 * Directories that systemd empties or removes: RuntimeDirectory=, CacheDirectory= (0700) and
 * RemoveIPC=yes.
 */
const NOT_KEPT = ['/run/vgpu', '/var/cache/vgpu', '/dev/shm'];
/** The directory that systemd creates for sockets at each start. */
const RUNTIME = '/run/vgpu';
/** The kernel follows no more links (path_resolution(7)). */
const MOST_LINKS = 40;

/** The files and sockets that a service uses, besides those of every program. */
export interface Used {
  /** Absolute paths. */
  readonly program: readonly string[];
  readonly root: string;
  readonly stateDir: string;
  readonly config: string | undefined;
  readonly http: Endpoint | undefined;
}

/** The target of a symbolic link; undefined if there is none. */
export type ReadLink = (path: string) => string | undefined;

/**
 * Checks that the unit's sandbox leaves a service the files and sockets that it uses.
 *
 * @throws MediatorError `SERVICE_UNUSABLE`: the service could not start, or would lose what it needs.
 */
export function requireWithinSandbox(used: Used, readLink: ReadLink = linkAt): void {
  const { program, root, stateDir, config, http } = used;
  const hidden = HIDDEN.flatMap((path) => [path, stepsOf(path, readLink).at(-1) ?? path]);
  const isHidden = (path: string) => stepsOf(path, readLink).some((step) => isIn(step, hidden));
  const unreadable = program.find(isHidden);
  if (unreadable !== undefined) {
    throw refused(
      `cannot read ${unreadable}`,
      'install Node and the mediator for the whole host, such as by npm install --global @vgpu/mediator as root',
    );
  }
  const socket = http?.kind === 'unix' ? http.path : undefined;
  const options = { '--root': root, '--state-dir': stateDir, '--config': config, '--http': socket };
  for (const [option, path] of Object.entries(options)) {
    if (path === undefined || !isHidden(path)) continue;
    throw refused(
      `cannot see ${path} (${option}): its unit hides ${HIDDEN.join(', ')}, and links to them`,
      'give a path elsewhere, such as below /var or /srv; a bind mount there may show a directory of a home',
    );
  }
  const end = (path: string) => stepsOf(path, readLink).at(-1) ?? path;
  for (const [option, path] of Object.entries({ '--root': root, '--state-dir': stateDir })) {
    if (!isIn(end(path), NOT_KEPT)) continue;
    throw refused(
      `does not keep ${path} (${option}): systemd empties it, or changes its mode, with the service`,
      'give a path elsewhere, such as below /var or /srv',
    );
  }
  if (socket !== undefined && !isIn(end(resolve('/', socket)), [RUNTIME, end(stateDir)])) {
    throw refused(
      `cannot make the socket ${socket} (--http): to its unit all other directories are read-only`,
      `give unix:${RUNTIME}/http.sock`,
    );
  }
  if (http?.kind === 'tcp' && http.port > 0 && http.port < firstUnprivilegedPort()) {
    throw refused(
      `cannot listen at port ${http.port} (--http): it has no privileges`,
      'give a higher port, such as 9741, and put a reverse proxy in front of it',
    );
  }
}

function refused(what: string, remedy: string): MediatorError {
  return new MediatorError('SERVICE_UNUSABLE', `a service ${what}; ${remedy}`);
}

/**
 * Every path that the kernel passes while it resolves an absolute path, links and their targets
 * included; the last one has no link in it. A missing file is not a link.
 */
function stepsOf(path: string, readLink: ReadLink): string[] {
  const steps: string[] = [];
  let [here, ahead] = ['/', names(path)];
  for (let links = 0; ;) {
    const [name, ...rest] = ahead;
    if (name === undefined) return [...steps, here];
    const next = resolve(here, name);
    steps.push(next);
    const target = links < MOST_LINKS ? readLink(next) : undefined;
    if (target === undefined) [here, ahead] = [next, rest];
    else {
      links += 1;
      [here, ahead] = [target.startsWith('/') ? '/' : here, [...names(target), ...rest]];
    }
  }
}

function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function isIn(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

function linkAt(path: string): string | undefined {
  return tolerate(['EINVAL', 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'], () =>
    readlinkSync(path),
  );
}

function firstUnprivilegedPort(): number {
  const path = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
  return Number(tolerate(['ENOENT'], () => readFileSync(path, 'utf8')) ?? 1024);
}
