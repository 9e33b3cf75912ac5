import type { Identity } from '@vgpu/protocol';
import { DEFAULTS } from '../../identity.js';
import { misuseOf } from '../arguments.js';
import { defaultRoot, type Environment, type Flags, readSetting } from '../settings.js';
import { identify } from '../identify.js';
import type { LoadPlan, Pace } from './load.js';
import { prioritiesOf } from './vms.js';
import { BENCH_DEFAULTS, BENCH_SETTINGS } from './settings.js';

type Settings = <Name extends keyof typeof BENCH_SETTINGS>(
  name: Name,
) => ReturnType<typeof readSetting<Name, typeof BENCH_SETTINGS>>;

/**
 * The load that a command line and an environment describe.
 *
 * @throws VgpuError `USAGE`, `INVALID_OPTION`, `BAD_ENVIRONMENT`, or what {@link identify} throws.
 */
export async function planOf(flags: Flags, env: Environment): Promise<LoadPlan> {
  const settings: Settings = (name) => readSetting(BENCH_SETTINGS, name, flags, env);
  return {
    pace: paceOf(settings),
    vms: await playedVms(settings),
    root: settings('root') ?? defaultRoot(),
    durationMs: settings('duration') ?? BENCH_DEFAULTS.durationMs,
    size: settings('size') ?? BENCH_DEFAULTS.size,
    timeoutMs: settings('timeout'),
  };
}

function paceOf(settings: Settings): Pace {
  const [perSecond, inFlight] = [settings('rate'), settings('in-flight')];
  const process = settings('arrivals');
  if (perSecond === undefined) {
    if (process !== undefined) throw misuse('--arrivals needs --rate');
    return { inFlight: inFlight ?? BENCH_DEFAULTS.inFlight };
  }
  if (inFlight !== undefined) throw misuse('--rate and --in-flight exclude each other');
  return { perSecond, arrivals: process ?? BENCH_DEFAULTS.arrivals };
}

async function playedVms(settings: Settings): Promise<readonly Identity[]> {
  const mix = settings('priority');
  const vms = settings('vms');
  const pool = settings('pool');
  if (vms === undefined) {
    const [priority] = mix === undefined ? [] : prioritiesOf(mix, 1);
    return [await identify({ vm: settings('vm-id'), pool, priority }, settings('device'))];
  }
  const priorities = prioritiesOf(mix ?? DEFAULTS.priority, vms.length);
  return vms.map((vm, index) => ({
    vm,
    pool: pool ?? DEFAULTS.pool,
    priority: priorities[index] ?? DEFAULTS.priority,
  }));
}

const misuse = (message: string) => misuseOf('vgpu-vm-client bench', message);
