/** What a VM leaves that takes the kernel long to free: no thread but one of its own waits for that. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIf } from './support/describe-if.js';
import { MEDIATOR, MediatorProcess, until } from './support/processes.js';
import { FragileRoot } from './support/world.js';

/** The mediator's user, and the one to whom an export maps the VM. */
const [HOST, GUEST] = [60_000, 60_001];
/** Each is an extent: the block behind it is a hole. */
const BLOCKS = 500;
const REQUESTS = 20;

const canRun = (() => {
  const node = [MEDIATOR, '--version'];
  if (process.getuid?.() !== 0) return false;
  if (spawnSync(process.execPath, node, { uid: HOST, gid: HOST }).status !== 0) return false;
  if (spawnSync('strace', ['-o', '/dev/null', '-f', 'true']).status !== 0) return false;
  const root = new FragileRoot([], tmpdir());
  try {
    mountExt4(root, root.path);
    return true;
  } catch {
    return false;
  } finally {
    root.remove();
  }
})();

/** A file system on a loop device, on which each extent is freed for itself. */
function mountExt4(root: FragileRoot, at: string): void {
  const image = join(root.base, 'image');
  writeFileSync(image, '');
  truncateSync(image, 2 ** 29);
  execFileSync('mkfs.ext4', ['-q', '-F', image], { stdio: 'ignore' });
  root.mount(at, '-o', 'loop,discard', image);
}

let root: FragileRoot;
let trace: ChildProcess;

beforeEach(() => {
  root = new FragileRoot([], tmpdir());
  chmodSync(root.base, 0o755);
  if (canRun) mountExt4(root, root.path);
  chownSync(root.path, HOST, HOST);
  mkdirSync(`${root.path}-state`, { mode: 0o700 });
  chownSync(`${root.path}-state`, HOST, HOST);
  mkdirSync(root.in(1));
  chownSync(root.in(1), HOST, GUEST);
  chmodSync(root.in(1), 0o2770);
});
afterEach(() => {
  root.remove();
});

/** Puts a file of many extents there, as the guest's own. */
function putFragmented(name: string, mode: number): void {
  const path = root.in(1, `.guest-${name}`);
  const fd = openSync(path, 'wx');
  const block = Buffer.alloc(4096, 'x');
  for (let i = 0; i < BLOCKS; i += 1) writeSync(fd, block, 0, block.length, i * 8192);
  fsyncSync(fd);
  fchmodSync(fd, mode);
  fchownSync(fd, GUEST, GUEST);
  closeSync(fd);
  renameSync(path, root.in(1, name));
}

/** Records what every thread of the mediator does that may free something. */
async function record(pid: number): Promise<void> {
  const calls = 'unlink,unlinkat,rmdir,rename,renameat,renameat2,truncate,ftruncate,close';
  const args = ['-f', '-y', '-T', '-e', `trace=${calls}`, '-o', join(root.base, 'calls')];
  trace = spawn('strace', [...args, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  root.own(trace);
  let said = '';
  trace.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until(
    () => said.includes('attached'),
    () => `strace to attach; it says: ${said}`,
  );
}

/** The calls in the VM's directory: those of the main thread, and those of others. */
async function recorded(pid: number): Promise<{ main: string[]; others: string[] }> {
  const ended = once(trace, 'close');
  trace.kill('SIGINT');
  await ended;
  const lines = readFileSync(join(root.base, 'calls'), 'utf8').split('\n');
  const ofVm = lines.filter((line) => line.includes(root.in(1)));
  const isMain = (line: string) => line.startsWith(`${pid} `);
  return { main: ofVm.filter(isMain), others: ofVm.filter((line) => !isMain(line)) };
}

/** Whether a call of the main thread takes nothing its last name, and closes nothing that is large. */
function isQuick(line: string): boolean {
  if (line.includes('renameat2(')) {
    const [, to = ''] = /, "([^"]+)", \w+(?:\)| <unfinished)/.exec(line) ?? [];
    return /RENAME_(?:EXCHANGE|NOREPLACE)/.test(line) || to.startsWith('.vgpu-');
  }
  const [, closed = ''] = /close\(\d+<([^>]+)>(?:\)| <unfinished)/.exec(line) ?? [];
  return closed !== '' && !basename(closed).includes('fragmented');
}

const names = () => readdirSync(root.in(1)).sort();

describeIf(
  canRun,
  'skipped: it needs root, strace, loop devices and mkfs.ext4, and a checkout that others may read',
  'files that take long to free',
  () => {
    it('are freed by another thread, also if the mediator may not open them', async () => {
      const mediator = await MediatorProcess.serving(root);
      const pid = mediator.child.pid ?? 0;
      await record(pid);
      // Which the mediator may not open, may open and refuses, and has to replace.
      putFragmented('request-fragmented-closed.txt', 0o600);
      putFragmented('request-fragmented-open.txt', 0o666);
      putFragmented('response-small.txt', 0o600);
      root.drop(1, 'small', 'A:1:1:100:200\n');
      putFragmented('response.txt', 0o600);
      writeFileSync(root.in(1, 'request.txt'), 'A:1:1:1:2\n');
      mkdirSync(root.in(1, 'request-directory.txt'));
      const answers = [
        'response-directory.txt',
        'response-fragmented-closed.txt',
        'response-fragmented-open.txt',
        'response-small.txt',
        'response.txt',
      ];
      await until(() => names().join() === answers.join(), 'nothing but the answers is left');
      const { main, others } = await recorded(pid);
      expect(readFileSync(root.in(1, 'response-small.txt'), 'utf8')).toBe('300\n');
      expect(readFileSync(root.in(1, 'response.txt'), 'utf8')).toBe('3\n');
      expect(main.filter((line) => !isQuick(line))).toEqual([]);
      // Four requests and a directory, and two responses that were replaced.
      expect(others.filter((line) => line.includes('unlink')).length).toBeGreaterThanOrEqual(7);
      expect(await mediator.stop()).toBe(0);
    });

    it('are freed by another thread, though the guest swaps them in a loop', async () => {
      const mediator = await MediatorProcess.serving(root);
      const pid = mediator.child.pid ?? 0;
      putFragmented('fragmented-a', 0o600);
      putFragmented('fragmented-b', 0o600);
      // Another file has each name at every moment.
      const script = `
        cd ${root.in(1)}
        while [ ! -e ../stop ]; do
          for i in $(seq 0 ${REQUESTS - 1}); do
            ln -f fragmented-a .guest; mv -f .guest response-small-$i.txt
            ln -f fragmented-b .guest; mv -f .guest request-fragmented-$i.txt
          done
        done`;
      await record(pid);
      const guest = spawn('sh', ['-c', script], { stdio: 'ignore' });
      root.own(guest);
      const ended = once(guest, 'exit');
      for (let i = 0; i < REQUESTS; i += 1) root.drop(1, `small-${i}`, `A:1:1:${i}:1\n`);
      const finished = () => mediator.logged('request finished').length;
      await until(() => finished() === REQUESTS, 'all are served');
      writeFileSync(join(root.path, 'stop'), '');
      await ended;
      const { main, others } = await recorded(pid);
      rmSync(join(root.path, 'stop'));
      expect(main.filter((line) => !isQuick(line))).toEqual([]);
      expect(others.some((line) => line.includes('unlinkat('))).toBe(true);
      expect(await mediator.stop()).toBe(0);
    });
  },
);
