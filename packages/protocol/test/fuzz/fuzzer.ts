import { printable } from '@vgpu/protocol';
import * as fc from 'fast-check';
import { Random, type FuzzRun } from '../../../../tests/support/random.js';
import { mutate } from './mutate.js';
import { shrink } from './shrink.js';

/** Code that decodes a text, and its properties. */
export interface Target {
  readonly name: string;
  /** Texts that it accepts, for a start. */
  readonly valid: fc.Arbitrary<string>;
  readonly tokens: readonly string[];
  /** Its share of all inputs. */
  readonly percent: number;
  /** The fault of the code with a text; undefined if there is none. Never throws. */
  readonly problemOf: (text: string) => string | undefined;
}

export interface Campaign {
  readonly tried: number;
  /** Each took a path through the code that none before it had taken. */
  readonly corpus: readonly string[];
  /** Counters of the code that have been more than zero. */
  readonly reached: number;
}

/** Texts of the grammar that are made at a time, and the number of other texts between two of them. */
const GRAMMAR_BATCH = 256;
const GRAMMAR_EVERY = 64;
/** A text with more characters is long, and is seldom mutated. */
const LONG = 512;
const LONG_EVERY = 1000;
/** Looked up once: within jest, looking up a global is slow. */
const { clz32 } = Math;

/**
 * Tries texts on a target: first those of its grammar, then mutations of the texts that reached
 * something new. New is a statement, function or branch that had not run before, or
 * that has now run twice, four times, eight times ... as often.
 *
 * @param counters How often each part of the code has run; set to zero before each text.
 * @throws Error with the smallest text found that shows the problem, and how to replay the run.
 */
export function fuzz(target: Target, counters: Uint32Array, run: FuzzRun): Campaign {
  const random = new Random(run.seed);
  const corpus: string[] = [];
  const short: string[] = [];
  const seen = new Uint32Array(counters.length);
  let grammar: string[] = [];

  const fromGrammar = () => {
    if (grammar.length === 0) {
      const seed = random.uint32() | 0;
      grammar = fc.sample(target.valid, { numRuns: GRAMMAR_BATCH, seed });
    }
    return grammar.pop() ?? '';
  };
  // A long text costs as much as a thousand short ones.
  const pick = () => random.pick(random.oneIn(LONG_EVERY) || short.length === 0 ? corpus : short);

  for (let tried = 0; tried < run.inputs; tried += 1) {
    const isFromGrammar = tried < GRAMMAR_BATCH || tried % GRAMMAR_EVERY === 0;
    const text = isFromGrammar
      ? fromGrammar()
      : mutate(pick(), { random, tokens: target.tokens, other: pick() });
    counters.fill(0);
    const problem = target.problemOf(text);
    if (problem !== undefined) throw new Error(report(target, text, tried + 1, run));
    if (!addNew(counters, seen)) continue;
    corpus.push(text);
    if (text.length <= LONG) short.push(text);
  }
  return { tried: run.inputs, corpus, reached: seen.filter((buckets) => buckets > 0).length };
}

/** Records the counts, a bit for each power of two; true if any bit was new. */
function addNew(counters: Uint32Array, seen: Uint32Array): boolean {
  let isNew = false;
  for (let index = 0; index < counters.length; index += 1) {
    const count = counters[index] ?? 0;
    if (count === 0) continue;
    const before = seen[index] ?? 0;
    const after = (before | (1 << (31 - clz32(count)))) >>> 0;
    if (after === before) continue;
    seen[index] = after;
    isNew = true;
  }
  return isNew;
}

function report(target: Target, text: string, tried: number, run: FuzzRun): string {
  const smallest = shrink(text, (candidate) => target.problemOf(candidate) !== undefined);
  return [
    `${target.name}: ${target.problemOf(smallest) ?? ''}`,
    `text: ${printable(smallest, 1000)}`,
    `found as input ${tried}, of ${text.length} characters; replay with VGPU_FUZZ_SEED=${run.seed}`,
  ].join('\n');
}

/**
 * The growth of the work for a text if a part of it is repeated twice as often: 2 if the work grows with the
 * length, 4 if it grows with its square. Steps are counted, not timed; a regular expression is one step.
 */
export function growth(
  target: Target,
  counters: Uint32Array,
  text: string,
  seed: number,
): { readonly factor: number; readonly example: string } {
  const random = new Random(seed);
  const at = random.below(text.length + 1);
  const piece = text.slice(at, at + 1 + random.below(8)) || ',';
  const workOf = (times: number) => {
    counters.fill(0);
    target.problemOf(text.slice(0, at) + piece.repeat(times) + text.slice(at));
    return counters.reduce((sum, count) => sum + count, 0);
  };
  const times = Math.floor(30_000 / piece.length);
  return {
    factor: workOf(2 * times) / workOf(times),
    example: `${printable(piece)} repeated at ${at} of ${printable(text, 200)}`,
  };
}
