import { type Diagnosis, finding, ok } from './diagnosis.js';
import { type FileFacts, octal } from './directory-facts.js';

/** Whether the root is a directory in which nobody else can make VM directories. */
export function checkRoot(path: string, root: FileFacts | undefined): Diagnosis[] {
  if (root === undefined) {
    return [
      finding(`there is no root ${path}`, `install -d -m 0755 ${path}, or give another --root`),
    ];
  }
  if (root.kind !== 'directory') {
    return [finding(`the root ${path} is no directory`, 'give another --root')];
  }
  if ((root.mode & 0o022) !== 0) {
    return [
      finding(
        `others than its owner may write to the root ${path} (mode ${octal(root.mode)}), and make ` +
          'directories of VMs',
        `chmod go-w ${path}`,
      ),
    ];
  }
  return [ok(`the root ${path} is its owner's`)];
}
