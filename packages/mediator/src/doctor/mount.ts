import { join, relative } from 'node:path';
import { type Diagnosis, finding, orOk } from './diagnosis.js';
import { unescapeOctal } from './unescape.js';

/** A file system, or a part of one, that is mounted. */
export interface Mount {
  /** By which the kernel tells it from those that it covers. */
  readonly id: string;
  /** The file system, by the numbers of its device. */
  readonly device: string;
  /** What of the file system is mounted: `/` unless it is a part, as by a bind mount. */
  readonly part: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** Whether what guests put into the root is inert on this host, and fills nothing but the root. */
export function checkMount(root: string, mount: Pick<Mount, 'point' | 'options'>): Diagnosis[] {
  const missing = ['nodev', 'nosuid', 'noexec'].filter((option) => !mount.options.includes(option));
  const findings: Diagnosis[] = [];
  if (missing.length > 0) {
    findings.push(
      finding(
        `the file system of the root ${root}, mounted at ${mount.point}, is not ${missing.join(', ')}`,
        'mount it nodev,nosuid,noexec (/etc/fstab), as SECURITY.md has it',
      ),
    );
  }
  if (mount.point === '/') {
    findings.push(
      finding(
        `the root ${root} is on the file system of the host: a VM that fills it fills the host`,
        'give it a file system of its own, with quotas, as SECURITY.md has it',
      ),
    );
  }
  return orOk(findings, `the file system at ${mount.point} is nodev, nosuid, noexec`);
}

/** The mounts of the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', , device = '', part = '', point = '', options = ''] = line.split(' ');
      return {
        id,
        device,
        part: unescapeOctal(part),
        point: unescapeOctal(point),
        options: options.split(','),
      };
    });
}

/**
 * Where something lies on its file system, which is the same by whatever bind mount it is reached.
 *
 * @param path Absolute, without links.
 * @param mount The mount that it is on.
 */
export function positionOf(path: string, { device, part, point }: Mount): Position {
  return { device, path: join(part, relative(point, path)) };
}

export interface Position {
  readonly device: string;
  readonly path: string;
}
