import fs from 'node:fs';
import { ExitCode, type Identity, priorityName } from '@vgpu/protocol';
import { type Reply, VgpuClient } from '../client.js';
import { exitCodeOf, VgpuError } from '../errors.js';
import { resolveIdentity } from '../identity.js';
import { type Arguments, parseArguments } from './arguments.js';
import { parseOperands } from './operands.js';
import { type Environment, readSetting, type SettingName } from './settings.js';

const GUEST_ROOT = '/mnt/vgpu';
const HOST_ROOT = '/var/vgpu';

/** What the program gets from the process that it runs in. */
export interface Surroundings {
  /** Without the names of Node and of the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Withdraws the request. */
  readonly signal: AbortSignal;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
  /** Writes a line to standard error. */
  readonly report: (line: string) => void;
}

/** Understands the setting of this name, as flag or as variable. */
type Settings = <Name extends SettingName>(name: Name) => ReturnType<typeof readSetting<Name>>;

/** Runs the program. Does not throw: what went wrong is reported, and shows in the status. */
export async function run(surroundings: Surroundings): Promise<ExitCode> {
  const { argv, env, print, report } = surroundings;
  let asJson = argv.includes('--json');
  try {
    const line = parseArguments(argv);
    const settings: Settings = (name) => readSetting(name, line.flags, env);
    if (line.flags['help'] === true) {
      const { help } = await import('./help.js');
      print(await help());
    } else if (line.flags['version'] === true) {
      print(version());
    } else {
      asJson = settings('json') ?? false;
      await add(line.operands, settings, surroundings);
    }
    return ExitCode.OK;
  } catch (error) {
    report(asJson ? jsonOf(error) : textOf(error));
    return exitCodeOf(error);
  }
}

async function add(
  texts: Arguments['operands'],
  settings: Settings,
  { signal, print, report }: Surroundings,
): Promise<void> {
  const operands = parseOperands(texts);
  const isVerbose = settings('verbose') ?? false;
  const asJson = settings('json') ?? false;
  const identity = await identify(settings);
  const { vm, pool, priority } = identity;
  const root = settings('root') ?? (fs.existsSync(GUEST_ROOT) ? GUEST_ROOT : HOST_ROOT);
  if (isVerbose) {
    report(`vm ${vm}, pool ${pool}, priority ${priorityName(priority)}, root ${root}`);
  }
  const client = new VgpuClient({
    root,
    vmId: vm,
    pool,
    priority,
    timeoutMs: settings('timeout'),
    plain: settings('plain'),
  });
  try {
    const reply = await client.request(operands, { signal });
    if (isVerbose) report(`slot ${reply.slot}, answered after ${reply.waitMs.toFixed(2)} ms`);
    print(asJson ? replyAsJson(reply, identity) : reply.sum.join(','));
  } finally {
    await client.close();
  }
}

/**
 * Flags and variables, and what they leave open from the registers of the device: of the one that
 * is given, or else of the one that there is if nothing else says which VM this is.
 */
async function identify(settings: Settings): Promise<Identity> {
  const device = settings('device');
  const claim = { vm: settings('vm-id'), pool: settings('pool'), priority: settings('priority') };
  if (device === undefined && claim.vm !== undefined) return resolveIdentity(claim);
  const { readIdentity } = await import('../read-identity.js');
  return resolveIdentity(claim, readIdentity(device));
}

function replyAsJson({ sum, slot, waitMs }: Reply, { vm, pool, priority }: Identity): string {
  return JSON.stringify({
    sum: sum.length === 1 ? sum[0] : [...sum],
    vm,
    pool,
    priority,
    slot,
    waitMs: Number(waitMs.toFixed(3)),
  });
}

function jsonOf(error: unknown): string {
  const [code, message] =
    error instanceof VgpuError ? [error.code, error.message] : ['INTERNAL', String(error)];
  return JSON.stringify({ error: { code, message } });
}

/** One line; a defect of ours is shown with where it happened. */
function textOf(error: unknown): string {
  if (error instanceof VgpuError) {
    return `vgpu-vm-client: ${error.message.replace(/\p{Cc}/gu, '?')}`;
  }
  const detail = error instanceof Error ? error.stack : undefined;
  return `vgpu-vm-client: internal error: ${detail ?? String(error)}`;
}

function version(): string {
  const manifest = fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
