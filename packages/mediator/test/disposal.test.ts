/** The threads of the addon that remove files, one of which takes long. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { describeIf } from '../../../tests/support/describe-if.js';
import { temporaryDirectory } from './support/temporary-directory.js';
import { until } from './support/until.js';

const ADDON = fileURLToPath(
  new URL(`../prebuilds/${process.platform}-${process.arch}/vgpu_spool.node`, import.meta.url),
);

/** Stands for a disk that frees slowly: to remove a name with `slow` in it takes until a file is there. */
const SLOW_UNLINK = `
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
int unlinkat(int directory, const char *name, int flags) {
  static int (*next)(int, const char *, int);
  if (!next) next = (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
  if (strstr(name, "slow")) while (access(getenv("RELEASE"), F_OK) != 0) usleep(1000);
  return next(directory, name, flags);
}`;

const canRun =
  existsSync(ADDON) && spawnSync('gcc', ['--version']).status === 0 && process.platform === 'linux';
const HINT = 'skipped: it needs gcc and a prebuilt addon (apt-get install gcc)';

/** Removes what it is told to on stdin, as `<directory> <name>`. */
const CHILD = `
const { removeLater } = require(process.argv[1]);
const fs = require('node:fs');
const open = {};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [path, name] = line.split(' ');
  removeLater(open[path] ??= fs.openSync(path, 'r'), name);
});`;

describeIf(canRun, HINT, 'files of two VMs, of which one is freed slowly', () => {
  it.each([1, 2, 3])('are freed independently, when %d are held up', async (count) => {
    const base = temporaryDirectory();
    const shim = join(base, 'slow.so');
    const release = join(base, 'release');
    writeFileSync(join(base, 'slow.c'), SLOW_UNLINK);
    const built = spawnSync('gcc', [
      ...['-D_GNU_SOURCE', '-shared', '-fPIC', '-o', shim, join(base, 'slow.c'), '-ldl'],
    ]);
    expect(built.status).toBe(0);
    const child = spawn(process.execPath, ['-e', CHILD, ADDON], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, LD_PRELOAD: shim, RELEASE: release },
    });
    const remove = (vm: string, name: string) => {
      const directory = join(base, vm);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, name), '');
      child.stdin.write(`${directory} ${name}\n`);
      return join(directory, name);
    };
    const gone = (path: string) => until(`${path} to be gone`, () => !existsSync(path));
    for (const name of ['a', 'b', 'c']) await gone(remove('vm1', name));
    // Until the threads that there are have nothing to do: nothing tells.
    await sleep(100);
    const slow = Array.from({ length: count }, (_, index) => remove(`vm${index + 2}`, 'slow'));
    for (const name of ['d', 'e', 'f']) await gone(remove('vm1', name));
    expect(slow.filter((path) => !existsSync(path))).toEqual([]);
    writeFileSync(release, '');
    for (const path of slow) await gone(path);
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
