/**
 * The specification's verdict on a text, read by hand: nothing here comes from the package, and no regular
 * expression or number parser of the language decides what a number is.
 */
import { LIMIT } from '../helpers.js';

/** The value of a text and its one spelling, or the code of its refusal. */
export type Verdict =
  { readonly value: unknown; readonly spelling: string } | { readonly code: string };

const CODES =
  'BAD_REQUEST TOO_LARGE OUT_OF_RANGE LENGTH_MISMATCH VM_MISMATCH UNKNOWN_VM SUSPENDED ' +
  'RATE_LIMITED DEVICE_FAILED DEADLINE';
const ERROR_CODES = new Set(CODES.split(' '));
const ID_CHARACTERS = new Set('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-');

/** A decimal number without plus sign and leading zeros; undefined for every other text. */
function decimal(text: string): { negative: boolean; digits: string } | undefined {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  if (digits === '' || (digits.startsWith('0') && text !== '0')) return undefined;
  for (let at = 0; at < digits.length; at += 1) {
    const character = digits.charCodeAt(at);
    if (character < 0x30 || character > 0x39) return undefined;
  }
  return { negative, digits };
}

/** Digits without leading zeros are in the order of their numbers by length, then by alphabet. */
const isAtMost = (digits: string, most: string) =>
  digits.length < most.length || (digits.length === most.length && digits <= most);

function valueOf(digits: string): number {
  let value = 0;
  for (const digit of digits) value = 10 * value + digit.charCodeAt(0) - 0x30;
  return value;
}

/** The int32 of a list, or the code of the first fault. */
function int32List(text: string): number[] | 'BAD_REQUEST' | 'OUT_OF_RANGE' {
  const values: number[] = [];
  for (const item of text.split(',')) {
    const number = decimal(item);
    if (number === undefined) return 'BAD_REQUEST';
    const { negative, digits } = number;
    if (!isAtMost(digits, negative ? '2147483648' : '2147483647')) return 'OUT_OF_RANGE';
    values.push(negative ? -valueOf(digits) : valueOf(digits));
  }
  return values;
}

function vmId(text: string): number | undefined {
  const number = decimal(text);
  if (number === undefined || number.negative || text === '0') return undefined;
  return isAtMost(text, '4294967295') ? valueOf(text) : undefined;
}

export function judgeRequest(text: string): Verdict {
  if (text.length > LIMIT) return { code: 'TOO_LARGE' };
  const line = text.endsWith('\r\n')
    ? text.slice(0, -2)
    : text.endsWith('\n')
      ? text.slice(0, -1)
      : text;
  const [pool = '', level = '', vmText = '', first = '', second = '', ...rest] = line.split(':');
  const vm = vmId(vmText);
  const colons = rest.length === 0 && line.split(':').length === 5;
  if (!colons || (pool !== 'A' && pool !== 'B')) return { code: 'BAD_REQUEST' };
  const priority = ['0', '1', '2'].indexOf(level);
  if (priority < 0 || vm === undefined) return { code: 'BAD_REQUEST' };
  const a = int32List(first);
  if (typeof a === 'string') return { code: a };
  const b = int32List(second);
  if (typeof b === 'string') return { code: b };
  if (a.length !== b.length) return { code: 'LENGTH_MISMATCH' };
  return { value: { pool, priority, vm, a, b }, spelling: `${line}\n` };
}

export function judgeAnswer(text: string): Verdict {
  const refused = { code: 'BAD_ANSWER' };
  if (text.length > LIMIT || !text.endsWith('\n')) return refused;
  const line = text.slice(0, -1);
  if (!line.startsWith('ERROR:')) {
    const sum = int32List(line);
    return typeof sum === 'string' ? refused : { value: { sum }, spelling: text };
  }
  const [, code = '', ...rest] = line.split(':');
  const words = rest.join(':');
  if (rest.length === 0 || !ERROR_CODES.has(code)) return refused;
  for (let at = 0; at < words.length; at += 1) {
    if (words.charCodeAt(at) < 0x20 || words.charCodeAt(at) > 0x7e) return refused;
  }
  return { value: { code, text: words }, spelling: text };
}

/** The registers are little-endian words, a byte for each character; the block is 4 KiB. */
export function judgeRegisterBlock(text: string): Verdict {
  const refused = { code: 'BAD_REGISTERS' };
  if (text.length < 20) return refused;
  const word = (at: number) =>
    [3, 2, 1, 0].reduce((sum, byte) => 256 * sum + (text.charCodeAt(at + byte) & 0xff), 0);
  const isVersioned = word(0) === 0x5550_4756;
  if (isVersioned && word(4) !== 1) return refused;
  const pool = word(8) === 0x41 ? 'A' : word(8) === 0x42 ? 'B' : undefined;
  const priority = word(12);
  const vm = word(16);
  if (pool === undefined || priority > 2 || vm === 0) return refused;
  const bytes = String.fromCharCode(
    ...Array.from(text.slice(8, 20), (c) => c.charCodeAt(0) & 0xff),
  );
  const spelling = `VGPU\x01\0\0\0${bytes}`.padEnd(4096, '\0');
  return { value: { pool, priority, vm }, spelling };
}

export function judgeSlotName(kind: 'request' | 'response', name: string): Verdict {
  if (name === `${kind}.txt`) return { value: { kind: 'plain' }, spelling: name };
  const id = name.slice(kind.length + 1, -'.txt'.length);
  const isNamed = name === `${kind}-${id}.txt` && id.length >= 1 && id.length <= 64;
  if (!isNamed || !Array.from(id).every((character) => ID_CHARACTERS.has(character))) {
    return { code: 'BAD_NAME' };
  }
  return { value: { kind: 'named', id }, spelling: name };
}

export function judgeVmDirectoryName(name: string): Verdict {
  const vm = name.startsWith('vm') ? vmId(name.slice(2)) : undefined;
  return vm === undefined ? { code: 'BAD_NAME' } : { value: vm, spelling: name };
}
