/** What the world may do to a mediator: file systems that fill up, change or go away. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { VgpuClient } from '@vgpu/vm-client';
import { describeIf } from './describe-if.js';
import { TestRoot, until } from './processes.js';

// Root in a container may not be allowed to mount; a namespace of its own needs the same right.
const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
const HOW_TO_MOUNT = 'skipped: it mounts file systems; run it as root';

/** Like `describe`, for tests that mount; visibly skipped where that is not allowed. */
export function describeWithMounts(name: string, body: () => void): void {
  describeIf(mayMount, HOW_TO_MOUNT, name, body);
}

/** A root with file systems of its own, which are unmounted, whatever uses them, when it is removed. */
export class FragileRoot extends TestRoot {
  readonly #mounted: string[] = [];

  /** Mounts a tmpfs, `size=64k` or `nr_inodes=20` for example. */
  mountTmpfs(at: string, options = 'size=1m'): void {
    this.mount(at, '-t', 'tmpfs', '-o', `mode=0755,${options}`, 'none');
  }

  /** Mounts what the arguments of mount(8) say. */
  mount(at: string, ...args: string[]): void {
    execFileSync('mount', [...args, at], { stdio: 'pipe' });
    this.#mounted.push(at);
  }

  remount(at: string, options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, at]);
  }

  /** As an administrator does, who does not wait for its users if `lazily`. */
  unmount(at: string, lazily = false): void {
    execFileSync('umount', [...(lazily ? ['-l'] : []), at]);
    this.#mounted.splice(this.#mounted.lastIndexOf(at), 1);
  }

  /** The answer in a named slot; empty if there is none. */
  answer(vm: number, id: string): string {
    const path = this.in(vm, `response-${id}.txt`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Waits until a named slot holds the answer and its request has been cleared. */
  async answered(vm: number, id: string, line: string): Promise<void> {
    const request = this.in(vm, `request-${id}.txt`);
    await until(
      () => this.answer(vm, id) === line && !existsSync(request),
      `the answer ${line.trim()} in slot ${id} of VM ${vm}`,
    );
  }

  override remove(): void {
    for (const at of this.#mounted.splice(0).reverse()) spawnSync('umount', ['-l', at]);
    super.remove();
  }
}

/** Writes into a file until the file system takes no more. */
export function fillUp(path: string): void {
  for (const size of [1 << 20, 1 << 12, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // That is what it is for.
    }
  }
}

/** Creates empty files until the file system takes no more; gives what removes them. */
export function useUpInodes(prefix: string): () => void {
  const names: string[] = [];
  try {
    for (;;) {
      const name = `${prefix}${names.length}`;
      writeFileSync(name, '', { flag: 'wx' });
      names.push(name);
    }
  } catch {
    // That is what it is for.
  }
  return () => {
    for (const name of names) rmSync(name);
  };
}

/** The sums that a client gets for `n + 1`, with n from 0; all of them asked at once. */
export function sums(client: VgpuClient, count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => client.add(n, 1)));
}
