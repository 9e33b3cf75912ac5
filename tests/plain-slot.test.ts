import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
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
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { amount } from './support/amount.js';
import { describeIf } from './support/describe-if.js';
import { MediatorProcess, run, TestRoot, until } from './support/processes.js';

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

/** What a client of the plain slot reads there, and empties. */
async function fetchAnswer(root: TestRoot): Promise<string> {
  const path = root.in(1, 'response.txt');
  await until(() => readIfThere(path).endsWith('\n'), 'an answer');
  const answer = readIfThere(path);
  truncateSync(path);
  return answer;
}

describe('the plain slot, by a client that was stopped inside its open', () => {
  let root: TestRoot;
  let mediator: MediatorProcess;
  beforeEach(async () => {
    root = new TestRoot([1]);
    mediator = await MediatorProcess.serving(root);
  });
  afterEach(async () => {
    await mediator.stop();
    root.remove();
  });

  /** Asks for 1 + 2; gives the file, opened before that was answered and cleared. */
  async function openBeforeClearing(): Promise<number> {
    mediator.signal('SIGSTOP');
    writeFileSync(root.in(1, 'request.txt'), 'A:2:1:1:2\n');
    const file = openSync(root.in(1, 'request.txt'), 'r+');
    mediator.signal('SIGCONT');
    expect(await fetchAnswer(root)).toBe('3\n');
    await until(() => !existsSync(root.in(1, 'request.txt')), 'the request to be cleared');
    return file;
  }

  it.each<[string, (file: number) => unknown]>([
    [
      'truncates and writes after a while',
      async (file) => {
        await sleep(100);
        ftruncateSync(file);
        writeSync(file, 'A:2:1:30:4\n', 0);
      },
    ],
    ['only writes over the last one', (file) => writeSync(file, 'A:2:1:30:4\n', 0)],
    [
      'writes in two parts',
      async (file) => {
        ftruncateSync(file);
        writeSync(file, 'A:2:1:3', 0);
        await sleep(50);
        writeSync(file, '0:4\n', 'A:2:1:3'.length);
      },
    ],
  ])('answers the request that it %s', async (_how, write) => {
    const file = await openBeforeClearing();
    await write(file);
    closeSync(file);
    expect(await fetchAnswer(root)).toBe('34\n');
  });

  it('answers what it appends to the last one, which is no request', async () => {
    const file = await openBeforeClearing();
    writeSync(file, 'A:2:1:30:4\n', 'A:2:1:1:2\n'.length);
    closeSync(file);
    expect(await fetchAnswer(root)).toMatch(/^ERROR:BAD_REQUEST:/);
  });

  it('computes the requests of two writers, of whom one made a new file', async () => {
    const file = await openBeforeClearing();
    mediator.signal('SIGSTOP');
    writeFileSync(root.in(1, 'request.txt'), 'A:2:1:50:6\n');
    // The kernel's clock for files moves on meanwhile: of two in one tick the one that has the name counts.
    await sleep(21);
    writeSync(file, 'A:2:1:30:4\n', 0);
    closeSync(file);
    mediator.signal('SIGCONT');
    const computed = () => mediator.log.filter(({ outcome }) => outcome === 'OK');
    await until(() => computed().length === 3, 'all to be computed');
    expect(readIfThere(root.in(1, 'response.txt'))).toBe('34\n');
  });

  it('answers it although the mediator was killed meanwhile', async () => {
    const file = await openBeforeClearing();
    mediator.signal('SIGKILL');
    await mediator.exited;
    writeSync(file, 'A:2:1:30:4\n', 0);
    closeSync(file);
    mediator = await MediatorProcess.serving(root);
    expect(await fetchAnswer(root)).toBe('34\n');
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
