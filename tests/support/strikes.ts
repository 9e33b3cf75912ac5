/** Mediators that are hit at a chosen system call, each in a root of its own. */
import { expect } from '@jest/globals';
import type { Aftermath, Trial } from './aftermath.js';
import { SCENARIOS, type Scenario } from './spool-scenarios.js';
import { record, strike, type Blow, type Struck, type SystemCall } from './traced-mediator.js';

/** Mediators at the same time. */
const LINES = 2;
const MAX_ATTEMPTS = 20;

/** Does something for each item, `LINES` at a time; waits for all, also if one fails. */
async function inLines<T>(
  items: readonly T[],
  act: (item: T, line: number) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const lines = Array.from({ length: LINES }, async (_, line) => {
    for (const item of rest) await act(item, line);
  });
  await Promise.allSettled(lines);
  await Promise.all(lines);
}

/** Not every run makes a call: how often one looks again, for example, is a matter of time. */
class NotHit extends Error {}

/**
 * The same for what `struckAt` hits. A quarter, or two, may not be hit: not every run makes each call; but one
 * at least is.
 */
export async function inLinesHit<T>(
  items: readonly T[],
  act: (item: T, line: number) => Promise<void>,
): Promise<void> {
  const missed: string[] = [];
  await inLines(items, async (item, line) => {
    try {
      await act(item, line);
    } catch (error) {
      if (!(error instanceof NotHit)) throw error;
      missed.push(error.message);
    }
  });
  const mayMiss = Math.min(Math.max(items.length / 4, 2), items.length - 1);
  if (missed.length > mayMiss) throw new Error(missed.join('; '));
}

const recorded = new Map<Scenario, SystemCall[]>();

/** The calls of an undisturbed mediator in a scenario; those of its start and end in the first one only. */
export async function callsOf(
  scenario: Scenario,
  aftermath: Aftermath,
  flags: readonly string[],
): Promise<SystemCall[]> {
  const known = recorded.get(scenario);
  if (known !== undefined) return known;
  const trial = aftermath.prepare(scenario);
  const { calls, status, stderr } = await record(trial.root, flags);
  const faults = aftermath.unserved(trial);
  trial.root.remove();
  expect({ status, faults, stderr }).toMatchObject({ status: 0, faults: [] });
  // How it starts and ends is the same for all.
  const isOfVm = ({ what }: SystemCall) => /\/vm#|\/proc\/#\/fd\//.test(what);
  const ofVms = calls.slice(calls.findIndex(isOfVm), calls.findLastIndex(isOfVm) + 1);
  const kept = scenario === SCENARIOS[0] ? calls : ofVms;
  recorded.set(scenario, kept);
  return kept;
}

/** The last number of each call. How often a process writes to itself before varies a little. */
const numbers = new Map<string, number>();

/** Makes trials until one is hit at that very call. */
export async function struckAt(
  call: SystemCall,
  blow: Blow,
  flags: readonly string[],
  line: number,
  prepare: () => Promise<Trial> | Trial,
): Promise<Struck & { trial: Trial }> {
  const isSame = (other?: SystemCall) => other?.what === call.what && other.order === call.order;
  const key = `${nameOf(call)} ${String(blow === 'KILL')}`;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const trial = await prepare();
    const number = numbers.get(key) ?? call.number;
    const struck = await strike(trial.root, flags, { ...call, number }, blow, line);
    if (isSame(struck.hit)) return { ...struck, trial };
    trial.root.remove();
    numbers.set(key, struck.calls.find(isSame)?.number ?? number + 1);
  }
  throw new NotHit(`${MAX_ATTEMPTS} mediators were not hit at ${nameOf(call)}`);
}

/** Whether a call leaves everything on disk as it was. */
export function isReading(call?: SystemCall): boolean {
  if (call === undefined) return false;
  if (call.name.startsWith('open')) return !call.line.includes('O_CREAT');
  return /^(?:\w*stat\w*|getdents\w*|p?read\w*|readlink\w*|close|inotify_\w+)$/.test(call.name);
}

export function nameOf({ what, order }: SystemCall): string {
  return `${what} (${order})`;
}

/** What a mediator has complained of, without its log. */
export function complaintIn(stderr: string): string {
  const lines = stderr.split('\n');
  return lines.find((line) => /Error: |^vgpu-mediator: /.test(line)) ?? lines.at(-2) ?? '';
}
