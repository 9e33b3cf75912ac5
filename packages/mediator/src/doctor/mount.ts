import { type Diagnosis, finding, orOk } from './diagnosis.js';
import { unescapeOctal } from './unescape.js';

/** A file system that is mounted. */
export interface Mount {
  readonly point: string;
  readonly options: readonly string[];
}

/** Whether what guests put into the root is inert on this host, and fills nothing but the root. */
export function checkMount(root: string, mount: Mount): Diagnosis[] {
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

/** The mount that a path is on, of the text of /proc/self/mountinfo. */
export function mountOf(path: string, mountinfo: string): Mount {
  let found: Mount = { point: '/', options: [] };
  for (const line of mountinfo.split('\n')) {
    const [, , , , point = '', options = ''] = line.split(' ');
    if (point === '') continue;
    const decoded = unescapeOctal(point);
    const isAbove = decoded === '/' || path === decoded || path.startsWith(`${decoded}/`);
    // Of those at one point the last is on top.
    if (isAbove && decoded.length >= found.point.length) {
      found = { point: decoded, options: options.split(',') };
    }
  }
  return found;
}
