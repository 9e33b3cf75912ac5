import { join, relative } from 'node:path';
import { type Diagnosis, finding, orOk } from './diagnosis.js';
import { unescapeOctal } from './unescape.js';

/** A mounted file system, or a mounted part of one. */
export interface Mount {
  /** The ID that distinguishes it from mounts that it covers. */
  readonly id: string;
  /** The device numbers of the file system. */
  readonly device: string;
  /** The mounted part of the file system: `/`, or another directory for a bind mount. */
  readonly part: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** Whether files of guests in the root are harmless on this host, and cannot fill another file system. */
export function checkMount(root: string, mount: Pick<Mount, 'point' | 'options'>): Diagnosis[] {
  const missing = ['nodev', 'nosuid', 'noexec'].filter((option) => !mount.options.includes(option));
  const findings: Diagnosis[] = [];
  if (missing.length > 0) {
    findings.push(
      finding(
        `the file system of the root ${root}, mounted at ${mount.point}, is not ${missing.join(', ')}`,
        'mount it nodev,nosuid,noexec (/etc/fstab), see SECURITY.md',
      ),
    );
  }
  if (mount.point === '/') {
    findings.push(
      finding(
        `the root ${root} is on the file system of the host: a VM that fills it fills the host`,
        'give it a file system of its own, with quotas, see SECURITY.md',
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
 * The position of a file on its file system, which is the same through every bind mount.
 *
 * @param path Absolute, without links.
 * @param mount The mount of the path.
 */
export function positionOf(path: string, { device, part, point }: Mount): Position {
  return { device, path: join(part, relative(point, path)) };
}

export interface Position {
  readonly device: string;
  readonly path: string;
}
