import * as z from 'zod/mini';
import {
  Int32List,
  printable,
  type Rejection,
  ExitCode,
  type Identity,
  priorityName,
} from '@vgpu/protocol';
import { type Operands, type Reply, VgpuClient } from '../client.js';
import { VgpuError } from '../errors.js';
import { misuseOf } from './arguments.js';
import type { Arguments, Command, CliContext } from './command.js';
import { defaultRoot, readSetting, SETTINGS, type SettingName } from './settings.js';
import { identify } from './identify.js';

/**
 * Reads the operands of a command line: two decimal int32, or two lists of them.
 *
 * @throws VgpuError `USAGE`, `BAD_REQUEST` or `OUT_OF_RANGE`.
 */
export function parseOperands(texts: readonly string[]): Operands {
  const [a, b] = texts;
  if (a === undefined || b === undefined || texts.length > 2) {
    throw misuseOf('vgpu-vm-client', `expected two operands, got ${texts.length}`);
  }
  return { a: parseOperand('a', a), b: parseOperand('b', b) };
}

function parseOperand(name: string, text: string): Int32Array {
  const result = z.safeDecode(Int32List, text);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const { code = 'BAD_REQUEST', received = printable(text) }: Partial<Rejection> =
    issue?.code === 'custom' ? (issue.params ?? {}) : {};
  if (code === 'BAD_NAME' || code === 'BAD_ANSWER') throw result.error;
  throw new VgpuError(code, `${name}: expected ${issue?.message ?? 'an int32'}, got ${received}`);
}

/** Sends one request and prints its sum. */
export const ADD: Command = {
  name: 'vgpu-vm-client',
  settings: SETTINGS,
  help: async () => (await import('./help.js')).help(),
  run: add,
};

async function add(
  { operands: texts, flags }: Arguments,
  { env, signal, print, report }: CliContext,
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
    const response = await client.request(operands, { signal });
    if (isVerbose) report(`slot ${response.slot}, response after ${response.waitMs.toFixed(2)} ms`);
    print(asJson ? responseAsJson(response, identity) : response.sum.join(','));
  } finally {
    await client.close();
  }
  return ExitCode.OK;
}

function responseAsJson({ sum, slot, waitMs }: Reply, { vm, pool, priority }: Identity): string {
  return JSON.stringify({
    sum: sum.length === 1 ? sum[0] : [...sum],
    vm,
    pool,
    priority,
    slot,
    waitMs: Number(waitMs.toFixed(3)),
  });
}
