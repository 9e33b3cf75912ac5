import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { amount } from './support/amount.js';
import { describeIf } from './support/describe-if.js';
import { MediatorProcess, run, TestRoot } from './support/processes.js';

// VGPU_TEST_VMS=1 makes it all in a row in one slot, which takes minutes.
const PER_KIND = Number(process.env['VGPU_TEST_VMS'] ?? 10);
const IN_ALL = amount(100, 1000);
const REQUESTS = Math.ceil(IN_ALL / PER_KIND);
const vms = (first: number) => Array.from({ length: PER_KIND }, (_, index) => first + index);
const WRITERS = vms(1);
const OLD_CLIENTS = vms(1 + PER_KIND);
const FAST_CLIENTS = vms(1 + 2 * PER_KIND);

/** A person's shell: writes in place, no newline, waits until the request is cleared, reads. */
const WRITER = `
  cd "$1"
  i=0
  while [ $i -lt ${REQUESTS} ]; do
    printf 'A:2:%s:%s:200' "$2" $i > request.txt
    while [ -s request.txt ]; do sleep 0.01; done
    cat response.txt
    i=$((i + 1))
  done`;

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * The original client: overwrites the request in place, polls the answer, truncates it. The line is
 * written in two pieces, as a buffered writer may do.
 */
async function askInPlace(root: TestRoot, vm: number, a: number, pollMs: number): Promise<string> {
  const fd = openSync(root.in(vm, 'request.txt'), 'w');
  writeSync(fd, `B:1:${vm}:${a}:2`);
  writeSync(fd, pollMs > 0 ? '00' : '00\n');
  closeSync(fd);
  for (;;) {
    await (pollMs > 0 ? sleep(pollMs) : nextTurn());
    const answer = readIfThere(root.in(vm, 'response.txt'));
    if (answer.endsWith('\n')) {
      truncateSync(root.in(vm, 'response.txt'));
      return answer;
    }
  }
}

const sums = Array.from({ length: REQUESTS }, (_, a) => `${a + 200}\n`);

describe('the plain slot, by programs that know of nothing else', () => {
  let root: TestRoot;
  let mediator: MediatorProcess;
  beforeAll(async () => {
    root = new TestRoot([...WRITERS, ...OLD_CLIENTS, ...FAST_CLIENTS]);
    mediator = await MediatorProcess.serving(root);
  });
  afterAll(async () => {
    await mediator.stop();
    root.remove();
  });

  const clients = (vms: readonly number[], pollMs: number) =>
    vms.map(async (vm) => {
      writeFileSync(root.in(vm, 'request.txt'), '');
      writeFileSync(root.in(vm, 'response.txt'), '');
      const answers: string[] = [];
      for (const a of sums.keys()) answers.push(await askInPlace(root, vm, a, pollMs));
      return answers;
    });

  it(`answers ${IN_ALL} requests of each kind in a row`, async () => {
    const writers = WRITERS.map(async (vm) => {
      const { stdout, stderr } = await run('sh', ['-c', WRITER, 'sh', root.in(vm), String(vm)]);
      expect(stderr).toBe('');
      return stdout;
    });
    const answers = [...clients(OLD_CLIENTS, 100), ...clients(FAST_CLIENTS, 0)];
    expect(await Promise.all(writers)).toEqual(WRITERS.map(() => sums.join('')));
    expect(await Promise.all(answers)).toEqual([...OLD_CLIENTS, ...FAST_CLIENTS].map(() => sums));
  });
});

/** For each VM, in the test below. */
const TICKED = amount(500, 2000);

/** A file system that stamps files with the kernel's tick, as all did before Linux 6.13. */
const ramfs = mkdtempSync(join(tmpdir(), 'vgpu-ramfs-'));
const isMounted = spawnSync('mount', ['-t', 'ramfs', 'none', ramfs]).status === 0;
if (!isMounted) rmdirSync(ramfs);

describeIf(
  isMounted,
  'skipped: it mounts a file system; run it as root',
  'the plain slot where files are stamped with a tick',
  () => {
    let root: TestRoot;
    let mediator: MediatorProcess;
    beforeAll(async () => {
      root = new TestRoot([1, 2], ramfs);
      mediator = await MediatorProcess.serving(root);
    });
    afterAll(async () => {
      await mediator.stop();
      root.remove();
      spawnSync('umount', [ramfs]);
      rmdirSync(ramfs);
    });

    it('does not take the next request for the one that it follows at once', async () => {
      const answers = [1, 2].map(async (vm) => {
        const sums = [];
        // The same length each time, and in one VM the same text.
        for (let index = 0; index < TICKED; index += 1) {
          sums.push(await askInPlace(root, vm, vm === 1 ? 100 : 100 + (index % 800), 0));
        }
        return sums;
      });
      expect(await Promise.all(answers)).toEqual([
        Array.from({ length: TICKED }, () => '300\n'),
        Array.from({ length: TICKED }, (_, index) => `${300 + (index % 800)}\n`),
      ]);
    });
  },
);
