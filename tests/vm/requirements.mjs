// What the machine has to provide. Nothing is installed from here: `prepare.sh` does that.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Where each package of Debian puts something that is used, relative to `/`. */
const NEEDED = {
  'qemu-system-x86': 'usr/bin/qemu-system-x86_64',
  'qemu-system-common': 'usr/lib/qemu/virtiofsd',
  'util-linux': 'usr/bin/setpriv',
  'busybox-static': 'bin/busybox',
  cpio: 'usr/bin/cpio',
  kmod: 'usr/sbin/modprobe',
  zstd: 'usr/bin/zstd',
  'nfs-ganesha': 'usr/bin/ganesha.nfsd',
  'nfs-ganesha-vfs': 'usr/lib/x86_64-linux-gnu/ganesha/libfsalvfs.so',
};

/**
 * @typedef {object} Kernel
 * @property {string} root the folder below which it was unpacked; `/` if it is installed
 * @property {string} version
 * @property {string} image the path of `vmlinuz`
 */

/** @returns {{ kernel: Kernel | undefined, missing: string[] }} */
export function inspectMachine() {
  const missing = Object.entries(NEEDED)
    .filter(([, path]) => !existsSync(join('/', path)))
    .map(([name]) => name);
  const kernel = findKernel(join(REPOSITORY, '.cache/vm/kernel')) ?? findKernel('/');
  if (kernel === undefined) missing.push('linux-image-cloud-amd64');
  return { kernel, missing };
}

/** @param {string} root @returns {Kernel | undefined} */
function findKernel(root) {
  const boot = join(root, 'boot');
  if (!existsSync(boot)) return undefined;
  const versions = readdirSync(boot)
    .map((name) => /^vmlinuz-(.+amd64)$/.exec(name)?.[1] ?? '')
    .filter((version) => version !== '' && existsSync(join(root, 'lib/modules', version)));
  const version = versions.sort().at(-1);
  if (version === undefined) return undefined;
  return { root, version, image: join(boot, `vmlinuz-${version}`) };
}
