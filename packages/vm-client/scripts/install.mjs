// Runs when the package is installed: builds the addon where no prebuilt one loads. Never fails the
// installation: without an addon the package does all but read the registers of a PCI device, and says why;
// it hears of answers by `fs.watch` then.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { nodeHeaders } from './node-headers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const prebuilt = `${root}prebuilds/${process.platform}-${process.arch}/vgpu_client.node`;

if (process.platform === 'linux' && !loads()) build();

/** Whether the addon that came with the package loads here. */
function loads() {
  if (!existsSync(prebuilt)) return false;
  try {
    createRequire(import.meta.url)(prebuilt);
    return true;
  } catch {
    return false;
  }
}

function build() {
  // npm and pnpm put node-gyp on the path of install scripts.
  const { status, error, stdout, stderr } = spawnSync('node-gyp', ['rebuild', ...nodeHeaders()], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0) return;
  const reason = error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n');
  console.warn(
    `@vgpu/vm-client: no prebuilt addon loads here, and none could be built; PCI devices can not be read, so give --vm-id.\n${reason}`,
  );
}
