// The guests' image: an initramfs with busybox, the Node that runs this, the kernel modules that NFS
// and virtiofs need, and `@vgpu/vm-client` as npm installed it. All guests boot the same one.
import {
  closeSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execute } from './processes.mjs';

/** Modules of Debian's cloud kernel; those that they depend on come along. */
const MODULES = ['virtio_pci', 'virtio_net', 'nfsv4', 'virtiofs'];

/**
 * @param {object} options
 * @param {import('./requirements.mjs').Kernel} options.kernel
 * @param {string} options.project a folder with `node_modules`, which becomes `/app`
 * @param {string} options.base a folder to build in
 * @returns {string} the path of the image
 */
export function buildImage({ kernel, project, base }) {
  const tree = join(base, 'image');
  for (const folder of ['bin', 'dev', 'etc', 'mnt', 'proc', 'root', 'sys', 'tmp', 'usr/bin']) {
    mkdirSync(join(tree, folder), { recursive: true });
  }
  copyFileSync('/bin/busybox', join(tree, 'bin/busybox'));
  // Programs that npm installs begin with `#!/usr/bin/env node`.
  symlinkSync('/bin/busybox', join(tree, 'usr/bin/env'));
  copyWithLibraries(process.execPath, tree);
  copyModules(kernel, tree);
  cpSync(project, join(tree, 'app'), { recursive: true, verbatimSymlinks: true });
  const guest = join(import.meta.dirname, 'guest');
  cpSync(guest, join(tree, 'app'), { recursive: true });
  copyFileSync(join(guest, 'init'), join(tree, 'init'));
  return pack(tree, join(base, 'image.cpio'));
}

function copyWithLibraries(/** @type {string} */ program, /** @type {string} */ tree) {
  copyFileSync(program, join(tree, 'usr/bin/node'));
  for (const [library] of execute('ldd', [program]).matchAll(/\/\S+/g)) {
    mkdirSync(join(tree, dirname(library)), { recursive: true });
    copyFileSync(library, join(tree, library));
  }
}

/** Copies modules, and a list of them in the order in which they have to be loaded. */
function copyModules(
  /** @type {import('./requirements.mjs').Kernel} */ { root, version },
  /** @type {string} */ tree,
) {
  // An unpacked kernel has no list of what depends on what; an installed one has.
  if (root !== '/') execute('/usr/sbin/depmod', ['-b', root, version]);
  const insmods = MODULES.map((name) =>
    execute('/usr/sbin/modprobe', ['-d', root, '-S', version, '--show-depends', name]),
  ).join('\n');
  const paths = new Set([...insmods.matchAll(/^insmod (\S+)/gm)].map(([, path = '']) => path));
  mkdirSync(join(tree, 'lib/modules'), { recursive: true });
  for (const path of paths) copyFileSync(path, join(tree, 'lib/modules', basename(path)));
  const list = [...paths].map((path) => `${basename(path)}\n`).join('');
  writeFileSync(join(tree, 'etc/modules'), list);
}

function pack(/** @type {string} */ tree, /** @type {string} */ image) {
  const output = openSync(image, 'w');
  try {
    // Not compressed: unpacking would take the guests longer than reading.
    execute('sh', ['-c', 'find . | cpio --quiet -o -H newc -R 0:0'], {
      cwd: tree,
      stdio: ['ignore', output, 'pipe'],
    });
  } finally {
    closeSync(output);
  }
  return image;
}
