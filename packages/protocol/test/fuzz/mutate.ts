import type { Random } from '../../../../tests/support/random.js';
import { LIMIT } from '../helpers.js';

/** The material of a mutation besides the text. */
interface Material {
  readonly random: Random;
  /** Tokens of the language of the text. */
  readonly tokens: readonly string[];
  /** Another text that reached something new. */
  readonly other: string;
}

type Mutation = (text: string, material: Material) => string;

const splice = (text: string, at: number, removed: number, inserted: string) =>
  text.slice(0, at) + inserted + text.slice(at + removed);

const place = (text: string, random: Random) => random.below(text.length + 1);

/** A place where one element ends and another begins, since most rules are about those. */
function border(text: string, random: Random): number {
  const start = place(text, random);
  for (let at = start; at < Math.min(text.length, start + 64); at += 1) {
    if (':,-\n.'.includes(text.charAt(at))) return at + random.below(2);
  }
  return start;
}

const flipBit: Mutation = (text, { random }) => {
  const at = place(text, random);
  return splice(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8))));
};

const setByte: Mutation = (text, { random }) =>
  splice(text, place(text, random), random.below(2), String.fromCharCode(random.below(256)));

/** Beyond latin1: a caller may pass any string. */
const setWide: Mutation = (text, { random }) =>
  splice(text, place(text, random), 1, String.fromCharCode(random.below(0x1_0000)));

const insertToken: Mutation = (text, { random, tokens }) =>
  splice(text, place(text, random), 0, random.pick(tokens));

const insertTokenAtBorder: Mutation = (text, { random, tokens }) =>
  splice(text, border(text, random), 0, random.pick(tokens));

const replaceByToken: Mutation = (text, { random, tokens }) =>
  splice(text, border(text, random), random.below(12), random.pick(tokens));

const remove: Mutation = (text, { random }) =>
  splice(text, place(text, random), 1 + random.below(8), '');

const double: Mutation = (text, { random }) => {
  const at = place(text, random);
  return splice(text, at, 0, text.slice(at, at + 1 + random.below(16)));
};

const crossOver: Mutation = (text, { random, other }) =>
  text.slice(0, place(text, random)) + other.slice(place(other, random));

const transplant: Mutation = (text, { random, other }) => {
  const from = place(other, random);
  const part = other.slice(from, from + 1 + random.below(32));
  return splice(text, border(text, random), random.below(part.length + 1), part);
};

const cut: Mutation = (text, { random }) => text.slice(0, place(text, random));

/** To any length, and more often to one around the limit. */
const stretch: Mutation = (text, { random }) => {
  const at = border(text, random);
  const piece = text.slice(at, at + 1 + random.below(6)) || '0';
  const length = random.oneIn(2) ? LIMIT - 4 + random.below(9) : random.below(70_000);
  const times = Math.max(0, Math.floor((length - text.length) / piece.length));
  const long = splice(text, at, 0, piece.repeat(times));
  return long.padEnd(Math.min(length, long.length + piece.length), piece);
};

const lengthen: Mutation = (text, { random }) => {
  const at = border(text, random);
  return splice(text, at, 0, text.slice(at, at + 4).repeat(random.below(40)));
};

const OFTEN: readonly Mutation[] = [
  flipBit,
  setByte,
  insertToken,
  insertTokenAtBorder,
  replaceByToken,
  remove,
  double,
  crossOver,
  transplant,
];
const SELDOM: readonly Mutation[] = [setWide, cut, lengthen];

/** A text made from another by one change or a few. */
export function mutate(text: string, material: Material): string {
  const { random } = material;
  let mutated = text;
  do {
    // A long text costs as much as a thousand short ones.
    if (random.oneIn(2000)) mutated = stretch(mutated, material);
    else mutated = random.pick(random.oneIn(8) ? SELDOM : OFTEN)(mutated, material);
  } while (random.oneIn(3));
  return mutated;
}
