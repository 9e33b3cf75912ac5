import { ExitCode, type Identity, priorityName } from '@vgpu/protocol';
import { type Reply, VgpuClient } from '../client.js';
import type { Arguments } from './command.js';
import type { Command } from './command.js';
import { defaultRoot } from './default-root.js';
import { identify } from './identify.js';
import { parseOperands } from './operands.js';
import { readSetting, SETTINGS, type SettingName } from './settings.js';
import type { Surroundings } from './surroundings.js';

/** Sends one request and prints its sum. */
export const ADD: Command = {
  name: 'vgpu-vm-client',
  settings: SETTINGS,
  help: async () => (await import('./help.js')).help(),
  run: add,
};

async function add(
  { operands: texts, flags }: Arguments,
  { env, signal, print, report }: Surroundings,
): Promise<ExitCode> {
  const setting = <Name extends SettingName>(name: Name) => readSetting(SETTINGS, name, flags, env);
  const operands = parseOperands(texts);
  const isVerbose = setting('verbose') ?? false;
  const asJson = setting('json') ?? false;
  const claim = { vm: setting('vm-id'), pool: setting('pool'), priority: setting('priority') };
  const identity = await identify(claim, setting('device'));
  const { vm, pool, priority } = identity;
  const root = setting('root') ?? defaultRoot();
  if (isVerbose) {
    report(`vm ${vm}, pool ${pool}, priority ${priorityName(priority)}, root ${root}`);
  }
  const client = new VgpuClient({
    root,
    vmId: vm,
    pool,
    priority,
    timeoutMs: setting('timeout'),
    plain: setting('plain'),
  });
  try {
    const reply = await client.request(operands, { signal });
    if (isVerbose) report(`slot ${reply.slot}, answered after ${reply.waitMs.toFixed(2)} ms`);
    print(asJson ? replyAsJson(reply, identity) : reply.sum.join(','));
  } finally {
    await client.close();
  }
  return ExitCode.OK;
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
