/** An empty Debian 13 as its own machine: booted by systemd-nspawn, with a network of its own, which leads nowhere. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describeIf } from './describe-if.js';
import { run, until } from './processes.js';

const CACHE = resolve(import.meta.dirname, '../../.cache/debian-13');
const MIRROR = 'http://deb.debian.org/debian';

/** What a Debian that boots has; the reader of the documentation installs curl and all else. */
const BASE = 'systemd,systemd-sysv,dbus,ca-certificates,iproute2,procps';

const HOW_TO_ENABLE =
  'skipped: it needs root, the right to make namespaces, and debootstrap, systemd-nspawn and nsenter ' +
  '(in a container, --privileged; apt-get install debootstrap systemd-container util-linux)';

const canBoot =
  process.getuid?.() === 0 &&
  ['debootstrap', 'systemd-nspawn', 'nsenter'].every(
    (command) => spawnSync(command, ['--version']).error === undefined,
  ) &&
  spawnSync('unshare', ['--mount', '--pid', '--net', '--fork', 'true']).status === 0;

/** Like `describe`, for tests that boot a machine. */
export function describeBooted(name: string, body: () => void): void {
  describeIf(canBoot, HOW_TO_ENABLE, name, body);
}

export class DebianMachine {
  /** Its root directory, as this machine sees it. */
  readonly path: string;
  readonly #base: string;
  #nspawn: ChildProcess | undefined;
  /** The number of its first process, as this machine sees it. */
  #init: string | undefined;

  private constructor() {
    this.#base = mkdtempSync(join(tmpdir(), 'vgpu-machine-'));
    this.path = join(this.#base, 'root');
  }

  /** @param packages Those of Debian that it can install later; it has them, but not installed. */
  static async make(packages: readonly string[]): Promise<DebianMachine> {
    const cached = join(CACHE, packages.join('+'));
    if (!existsSync(cached)) {
      mkdirSync(CACHE, { recursive: true });
      const unfinished = `${cached}.new`;
      rmSync(unfinished, { recursive: true, force: true });
      await succeed(
        'debootstrap',
        '--variant=minbase',
        `--include=${BASE}`,
        'trixie',
        unfinished,
        MIRROR,
      );
      const download = ['install', '-qy', '--no-install-recommends', '--download-only'];
      await succeed('chroot', unfinished, 'apt-get', ...download, ...packages);
      renameSync(unfinished, cached);
    }
    const machine = new DebianMachine();
    // With device nodes and owners, which Node does not copy.
    await succeed('cp', '--archive', cached, machine.path);
    return machine;
  }

  /** Boots it, and waits until it has come up. */
  async boot(): Promise<void> {
    const args = ['--boot', '--register=no', '--keep-unit', '--private-network'];
    const nspawn = spawn('systemd-nspawn', ['--quiet', '--directory', this.path, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // What a Debian 13 boots with, also where the host still has the hierarchies of before.
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
    });
    this.#nspawn = nspawn;
    const isBooting = () => {
      this.#init = childrenOf(nspawn).find(isFirstOfItsOwn);
      return this.#init !== undefined;
    };
    await until(() => nspawn.exitCode !== null || isBooting(), 'systemd-nspawn to start');
    // "degraded" is what it may well be, without hardware.
    await this.sh(
      'until systemctl is-system-running | grep -E "running|degraded"; do sleep 0.2; done',
    );
  }

  /** Has its root run commands as one pastes them into a shell, and tells what they print; all have to succeed. */
  async sh(commands: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    if (this.#init === undefined) throw new Error('the machine has not been booted');
    const variables = {
      HOME: '/root',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
      ...env,
    };
    const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const shell = ['env', '-i', '-C', '/root', ...set, 'bash', '-euo', 'pipefail', '-c', commands];
    return succeed('nsenter', '--target', this.#init, '--all', ...shell);
  }

  async remove(): Promise<void> {
    if (this.#nspawn?.exitCode === null) {
      // With its first process all others go, and systemd-nspawn ends.
      if (this.#init === undefined) this.#nspawn.kill('SIGKILL');
      else process.kill(Number(this.#init), 'SIGKILL');
      await once(this.#nspawn, 'exit');
    }
    rmSync(this.#base, { recursive: true, force: true });
  }
}

function childrenOf({ pid = 0 }: ChildProcess): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
}

/** Whether a process is number 1 in a PID namespace of its own. */
function isFirstOfItsOwn(pid: string): boolean {
  try {
    return /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // It has ended since.
  }
}

async function succeed(command: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(command, args);
  if (status !== 0) throw new Error(`${command}: ${status}\n${stdout}\n${stderr}`);
  return stdout;
}
