import { ExitCode, printable } from '@vgpu/protocol';
import { exitCodeOf } from '../../errors.js';
import { misuseOf } from '../arguments.js';
import type { Arguments, Command, Display, CliContext } from '../command.js';
import { readSetting } from '../settings.js';
import { withDirectories } from './directories.js';
import { type Figures, Tally } from './figures.js';
import { Load, type LoadPlan } from './load.js';
import { planOf } from './plan.js';
import { showProgress } from './progress.js';
import { jsonOf, type Outcome, textOf } from './report.js';
import { BENCH_SETTINGS } from './settings.js';

/** Plays VMs, and prints how long their requests took. */
export const BENCH: Command = {
  name: 'vgpu-vm-client bench',
  settings: BENCH_SETTINGS,
  help: async () => (await import('./help.js')).help(),
  run: bench,
};

async function bench(
  { operands: [operand], flags }: Arguments,
  { env, signal, print, stderr }: CliContext,
): Promise<ExitCode> {
  if (operand !== undefined) {
    throw misuseOf(BENCH.name, `expected options only, got ${printable(operand)}`);
  }
  const plan = await planOf(flags, env);
  const mayCreate = readSetting(BENCH_SETTINGS, 'create', flags, env) ?? false;
  const asJson = readSetting(BENCH_SETTINGS, 'json', flags, env) ?? false;
  const vms = plan.vms.map(({ vm }) => vm);
  const outcome = await withDirectories(plan.root, vms, mayCreate, () =>
    play(plan, signal, stderr),
  );
  print(asJson ? jsonOf(outcome) : textOf(outcome));
  return statusOf(outcome.tally.all);
}

async function play(plan: LoadPlan, signal: AbortSignal, stderr: Display): Promise<Outcome> {
  const tally = new Tally();
  const load = new Load(plan, tally);
  try {
    await load.warmUp(signal);
    const endProgress = await showProgress(stderr, plan.durationMs, tally);
    const elapsedMs = await load.run(signal).finally(endProgress);
    return { plan, elapsedMs, wasCut: signal.aborted, tally };
  } finally {
    await load.close();
  }
}

/** That of a wrong response if there is one, else that of the most frequent error. */
function statusOf({ errors }: Figures): ExitCode {
  const kinds = [...errors.values()].sort((one, other) => other.count - one.count);
  const statuses = kinds.map(({ example }) => exitCodeOf(example));
  return statuses.includes(ExitCode.INTERNAL) ? ExitCode.INTERNAL : (statuses[0] ?? ExitCode.OK);
}
