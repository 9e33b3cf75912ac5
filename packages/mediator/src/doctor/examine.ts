import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from '@vgpu/protocol';
import { ask } from '../control/control-client.js';
import { controlSocketOf } from '../control/socket-path.js';
import { StatusResult } from '../control/status-result.js';
import { messageOf } from '../message-of.js';
import { isLockHeld } from '../state/instance-lock.js';
import { MediatorError } from '../mediator-error.js';
import { Registry } from '../state/registry.js';
import { tolerate } from '@vgpu/linux';
import { deviceFileOf, problemOfDeviceFile } from '../provisioning/device-file.js';
import { checkAddon, type Listing, checkDevices, type DeviceFacts, checkPools } from './devices.js';
import { checkClock, checkTimestamps } from './clock.js';
import { type Diagnosis, finding, skipped } from './diagnosis.js';
import type { VmDirectoryFacts } from './directory-facts.js';
import { checkExports, concernsRoot } from './exports.js';
import { exportsOfHost } from './exports-of-host.js';
import { checkFileSystem } from './file-system.js';
import {
  changesOf,
  factsOf,
  fileSystemOf,
  mountOf,
  openFilesLimitOf,
  realPathOf,
  sysctl,
  vmDirectoriesIn,
} from './host.js';
import { checkInotify, checkLeases, checkOpenFiles } from './kernel-limits.js';
import { checkInstance } from './instance.js';
import { checkMount, parseMounts } from './mount.js';
import { placeExports } from './place-exports.js';
import { checkRegistry, checkRoot, checkState } from './own-directories.js';
import { checkVmDirectories } from './vm-directories.js';

/** The time limit of listing the devices, in milliseconds: a driver may hang. */
const LISTING_LIMIT_MS = 10_000;

export const CHECKS = [
  'addon',
  'devices',
  'pools',
  'root',
  'vm-directories',
  'state',
  'registry',
  'exports',
  'leases',
  'inotify',
  'open-files',
  'file-system',
  'mount',
  'clock',
  'timestamps',
  'instance',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** The configuration that the checks use. */
export interface CheckContext extends Pick<DeviceFacts, 'backend' | 'devices'> {
  readonly root: string;
  readonly stateDir: string;
  /** Called unless the backend is `cpu`. */
  readonly listDevices: () => Promise<Exclude<Listing, Error>>;
}

export type NamedDiagnosis = Diagnosis & { readonly check: CheckName };

/** Runs the checks independently; a check that fails is a finding. */
export async function examine(
  context: CheckContext,
  names: readonly CheckName[] = CHECKS,
): Promise<NamedDiagnosis[]> {
  const checks = checksOf(context);
  const found: NamedDiagnosis[] = [];
  for (const check of names) {
    const diagnoses = await attempt(checks[check]);
    found.push(...diagnoses.map((diagnosis) => ({ check, ...diagnosis })));
  }
  return found;
}

type Check = () => Diagnosis[] | Promise<Diagnosis[]>;

async function attempt(check: Check): Promise<Diagnosis[]> {
  try {
    return await check();
  } catch (error) {
    return [
      finding(
        `cannot be checked: ${messageOf(error)}`,
        'run it as root, or as the user of the mediator',
      ),
    ];
  }
}

function registryIfValid(stateDir: string): Registry | undefined {
  try {
    return new Registry(stateDir);
  } catch {
    return undefined;
  }
}

function checksOf(context: CheckContext): Record<CheckName, Check> {
  const root = realPathOf(context.root);
  const stateDir = realPathOf(context.stateDir);
  const listing = once(() => list(context));
  const runningStatus = once(() => statusOf(stateDir));
  const directories = once(() => vmDirectoriesIn(root));
  const rootFacts = once(() => factsOf(root));
  const owner = () => rootFacts()?.uid ?? process.getuid?.() ?? 0;
  const changes = () =>
    changesOf([root, stateDir, ...pathsOf(directories()), ...filesIn(stateDir)]);
  const mounts = once(() => parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')));
  const mount = (path: string) => mountOf(path, mounts());
  const exports = once(() => {
    const { exports: found, unchecked } = exportsOfHost();
    const places = { root, stateDir, directories: directories(), realPathOf, mountOf: mount };
    return { exports: placeExports(found, places), unchecked };
  });
  const served = () =>
    directories().filter(({ vm, kind }) => vm !== undefined && kind === 'directory').length;
  const unlessCpu = async (check: (found: Listing) => Diagnosis[]) =>
    context.backend === 'cpu' ? [skipped('--backend cpu uses no GPU')] : check(await listing());
  return {
    addon: () => unlessCpu(checkAddon),
    devices: () => unlessCpu((found) => checkDevices({ ...context, listing: found })),
    pools: async () => {
      const registry = registryIfValid(stateDir);
      if (registry === undefined) return [skipped('the registry cannot be used: see registry')];
      const pools = Pool.options.map((pool) => ({ pool, devices: registry.poolDevices(pool) }));
      const status = await runningStatus();
      if (status !== undefined) {
        return checkPools({ pools, serving: status.devices.flatMap(({ device }) => device ?? []) });
      }
      const found = context.backend === 'cpu' ? [] : await listing();
      return checkPools({ pools, serving: servingOf(context, found) });
    },
    root: () => checkRoot(root, rootFacts()),
    'vm-directories': () => checkVmDirectories({ owner: owner(), directories: directories() }),
    state: () =>
      checkState({
        path: stateDir,
        state: factsOf(stateDir),
        registry: factsOf(join(stateDir, 'registry.json')),
        owner: rootFacts()?.uid,
        isWithinRoot: stateDir === root || stateDir.startsWith(`${root}/`),
      }),
    registry: () => checkRegistry(registryFacts(stateDir)),
    exports: () =>
      checkExports({
        ...exports(),
        root,
        stateDir,
        owner: owner(),
        directories: directories(),
        isMountPoint: (path) => mount(path).point === path,
      }),
    leases: () =>
      checkLeases({
        isExported: exports().exports.some((each) => concernsRoot(each, root)),
        enabled: sysctl('fs.leases-enable') === 1,
      }),
    inotify: () =>
      checkInotify({
        directories: served(),
        maxWatches: sysctl('fs.inotify.max_user_watches') ?? 0,
        maxInstances: sysctl('fs.inotify.max_user_instances') ?? 0,
      }),
    'open-files': async () => {
      const pid = (await runningStatus())?.pid;
      const limit = (pid && openFilesLimitOf(pid)) ?? openFilesLimitOf('self');
      if (limit === undefined) return [skipped('the kernel does not report the limit')];
      return checkOpenFiles({ directories: served(), limit });
    },
    'file-system': () =>
      checkFileSystem({
        root: { path: root, type: fileSystemOf(root) },
        state: { path: stateDir, type: fileSystemOf(stateDir) },
      }),
    mount: () => checkMount(root, mount(root)),
    clock: () => checkClock({ nowMs: Date.now(), changesNs: changes() }),
    timestamps: () => checkTimestamps({ changesNs: changes() }),
    instance: async () => {
      const hasSocket = existsSync(controlSocketOf(stateDir));
      const lock = lockOf(stateDir);
      const status = lock === true ? await runningStatus() : undefined;
      const running = status && { pid: status.pid, root: realPathOf(status.root) };
      return checkInstance({ lock, hasSocket, running, root });
    },
  };
}

function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}

async function list({ listDevices }: CheckContext): Promise<Listing> {
  const abort = new AbortController();
  const late = sleep(LISTING_LIMIT_MS, undefined, { signal: abort.signal, ref: false }).then(
    () => new Error(`the driver did not list its devices within ${LISTING_LIMIT_MS} ms`),
    () => new Error('in time'),
  );
  try {
    return await Promise.race([listDevices(), late]);
  } catch (error) {
    return error as Error;
  } finally {
    abort.abort();
  }
}

async function statusOf(stateDir: string): Promise<StatusResult | undefined> {
  try {
    return await ask(stateDir, { command: 'status' }, StatusResult);
  } catch (error) {
    if (error instanceof MediatorError) return undefined;
    throw error;
  }
}

/** The devices that serve; undefined if unknown. */
function servingOf(
  { devices, backend }: CheckContext,
  listing: Listing,
): readonly number[] | undefined {
  if (devices !== 'all') return devices;
  if (backend === 'cpu') return [0];
  return listing instanceof Error ? undefined : listing.map(({ index }) => index);
}

function registryFacts(stateDir: string) {
  const blocks = filesIn(join(stateDir, 'devices')).filter((path) => path.endsWith('.bar'));
  let registry: Registry;
  try {
    registry = new Registry(stateDir);
  } catch (error) {
    return { problem: messageOf(error), registered: 0, blocks: [], strayBlocks: [] };
  }
  const registered = registry.entries();
  const own = new Set(registered.map(([vm]) => deviceFileOf(stateDir, vm)));
  return {
    problem: undefined,
    registered: registry.size,
    blocks: registered.flatMap(([vm, { pool, priority }]) => {
      const problem = problemOfDeviceFile(stateDir, { vm, pool, priority });
      return problem === undefined ? [] : [{ vm, problem }];
    }),
    strayBlocks: blocks.filter((path) => !own.has(path)),
  };
}

function filesIn(folder: string): string[] {
  const names = tolerate(['ENOENT', 'ENOTDIR', 'EACCES'], () => readdirSync(folder)) ?? [];
  return names.map((name) => join(folder, name));
}

function pathsOf(directories: readonly VmDirectoryFacts[]): string[] {
  return directories.map(({ path }) => path);
}

function lockOf(stateDir: string): boolean | Error {
  try {
    return tolerate(['ENOTDIR'], () => isLockHeld(stateDir)) ?? false;
  } catch (error) {
    return error as Error;
  }
}
