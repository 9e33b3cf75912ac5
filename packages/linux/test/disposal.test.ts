/** The threads of the addon that remove files, one of which takes long. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { describeIf } from '../../../tests/support/describe-if.js';
import { until } from '../../../tests/support/processes.js';

const ADDON = fileURLToPath(
  new URL(`../prebuilds/${process.platform}-${process.arch}/vgpu_linux.node`, import.meta.url),
);

/**
 * Stands for a disk that frees slowly: to remove a name that begins with `slow` takes until there is a file of
 * that name in the directory RELEASE.
 */
const SLOW_UNLINK = `
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
int unlinkat(int directory, const char *name, int flags) {
  static int (*next)(int, const char *, int);
  if (!next) next = (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
  char release[4096];
  snprintf(release, sizeof release, "%s/%s", getenv("RELEASE"), name);
  if (!strncmp(name, "slow", 4)) while (access(release, F_OK) != 0) usleep(1000);
  return next(directory, name, flags);
}`;

const canRun =
  existsSync(ADDON) && spawnSync('gcc', ['--version']).status === 0 && process.platform === 'linux';
const HINT = 'skipped: it needs gcc and a prebuilt addon (apt-get install gcc)';

/** Removes the names on its stdin, as `<directory> <name>`. */
const CHILD = `
const { removeLater } = require(process.argv[1]);
const fs = require('node:fs');
const open = {};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [path, name] = line.split(' ');
  removeLater(open[path] ??= fs.openSync(path, 'r'), name);
});`;

/** A process with the addon, of which unlinkat(2) can be held up. */
class Remover {
  readonly #base = mkdtempSync(join(tmpdir(), 'vgpu-disposal-'));
  readonly #child;

  constructor() {
    const shim = join(this.#base, 'slow.so');
    writeFileSync(join(this.#base, 'slow.c'), SLOW_UNLINK);
    const built = spawnSync('gcc', [
      ...['-D_GNU_SOURCE', '-shared', '-fPIC', '-o', shim, join(this.#base, 'slow.c'), '-ldl'],
    ]);
    expect(built.status).toBe(0);
    this.#child = spawn(process.execPath, ['-e', CHILD, ADDON], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, LD_PRELOAD: shim, RELEASE: this.#base },
    });
  }

  remove(vm: string, name: string): string {
    const directory = join(this.#base, vm);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, name), '');
    this.#child.stdin.write(`${directory} ${name}\n`);
    return join(directory, name);
  }

  release(name: string): void {
    writeFileSync(join(this.#base, name), '');
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    expect(await once(this.#child, 'exit')).toEqual([0, null]);
    rmSync(this.#base, { recursive: true });
  }
}

const gone = (path: string) => until(() => !existsSync(path), `${path} to be gone`);

describeIf(canRun, HINT, 'files of several VMs, of which some are freed slowly', () => {
  it.each([1, 2, 3])('are freed independently, when %d are held up', async (count) => {
    const remover = new Remover();
    for (const name of ['a', 'b', 'c']) await gone(remover.remove('vm1', name));
    // Until the threads that there are have nothing to do: nothing tells.
    await sleep(100);
    const slow = Array.from({ length: count }, (_, index) =>
      remover.remove(`vm${index + 2}`, 'slow'),
    );
    for (const name of ['d', 'e', 'f']) await gone(remover.remove('vm1', name));
    expect(slow.filter((path) => !existsSync(path))).toEqual([]);
    remover.release('slow');
    for (const path of slow) await gone(path);
    await remover.end();
  });

  it('are freed independently, when the thread that takes over is held up, and no more removals come', async () => {
    const remover = new Remover();
    const first = remover.remove('vm2', 'slow1');
    await sleep(30);
    const second = remover.remove('vm3', 'slow2');
    await sleep(30);
    remover.release('slow2');
    await gone(second);
    await gone(remover.remove('vm1', 'a'));
    // One is held up, and two have nothing to do.
    await sleep(100);
    const third = remover.remove('vm3', 'slow3');
    await sleep(2);
    await gone(remover.remove('vm1', 'b'));
    expect([first, third].every((path) => existsSync(path))).toBe(true);
    for (const name of ['slow1', 'slow3']) remover.release(name);
    for (const path of [first, third]) await gone(path);
    await remover.end();
  });
});
