// tsc drops the mode of the command line entry points; npm restores it in a package, but
// `pnpm build` in a checkout would leave them unrunnable.
import { chmodSync } from 'node:fs';

for (const name of ['mediator', 'vm-client']) {
  chmodSync(new URL(`../packages/${name}/dist/bin.js`, import.meta.url), 0o755);
}
