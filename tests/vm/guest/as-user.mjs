// Runs in a guest: `as-user.mjs <number> <program> <argument> ...` runs a program as a user, and the
// group with the same number. busybox has nothing for users that have no name.
import { spawnSync } from 'node:child_process';

const [number, program = '', ...args] = process.argv.slice(2);
const { status } = spawnSync(program, args, {
  stdio: 'inherit',
  uid: Number(number),
  gid: Number(number),
});
process.exit(status ?? 1);
