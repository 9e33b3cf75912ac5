/** Attacks of the superuser of a hostile VM in its own directory. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Attack
 * @property {() => void} [prepare] Done once, before the attack counts as begun.
 * @property {() => void} act Done again and again; may fail where the mediator has removed something.
 * @property {boolean} [isSlow] Each act takes milliseconds: one at a time, and more time between.
 */

/**
 * The names of the attacks, with the number of files of those by number, and whether they need a disk to take
 * long.
 *
 * @type {Record<string, { size?: number, isOnDisk?: boolean }>}
 */
export const ATTACKS = {
  'small-junk': {},
  colons: {},
  commas: {},
  'long-number': {},
  mixed: {},
  'mismatched-lists': {},
  nuls: {},
  vectors: {},
  rewriting: {},
  'half-written': {},
  requests: { size: 20_000 },
  'other-entries': { size: 300_000 },
  events: {},
  specials: {},
  'huge-requests': { isOnDisk: true },
  'fragmented-requests': { isOnDisk: true },
  'unreadable-requests': { isOnDisk: true },
  'sparse-requests': { isOnDisk: true },
  'huge-responses': { isOnDisk: true },
  'fragmented-responses': { isOnDisk: true },
  'unreadable-responses': { isOnDisk: true },
  'sparse-responses': { isOnDisk: true },
  'once-full-directory': { size: 300_000, isOnDisk: true },
};

const LINE_BYTES = 65_536;
const NAMES = 1000;
/** The number of files at once, of those that take long to free. */
const HEAVY_NAMES = 4;
const HUGE = '256M';
const EXTENTS = 2000;
/** Any user but the mediator's. */
const OTHER_USER = 65_534;

/**
 * @param {string} directory
 * @param {number} vm
 * @param {number} size How many files, for attacks by number.
 * @returns {Record<string, Attack>}
 */
export function attacksOn(directory, vm, size) {
  const at = (/** @type {string} */ name) => join(directory, name);
  let count = 0;
  const put = (/** @type {number} */ id, /** @type {string} */ line) => {
    writeFileSync(at(`.request-${id}.x`), line);
    renameSync(at(`.request-${id}.x`), at(`request-${id}.txt`));
  };
  const lines = (/** @type {string} */ line) => ({
    act: () => {
      put((count += 1) % NAMES, line);
    },
  });
  const line = (/** @type {string} */ text, start = '') =>
    `${start}${text.repeat(LINE_BYTES).slice(0, LINE_BYTES - start.length - 1)}\n`;
  const ones = (/** @type {number} */ length) => new Array(length).fill('1').join(',');
  const small = `A:1:${vm}:1:2\n`;

  /** @type {Record<string, (path: string) => void>} */
  const files = {
    huge: (path) => {
      execFileSync('fallocate', ['-l', HUGE, path]);
    },
    fragmented: (path) => {
      const fd = openSync(path, 'w');
      const page = Buffer.alloc(4096, 'x');
      for (let index = 0; index < EXTENTS; index += 1) writeSync(fd, page, 0, 4096, index * 8192);
      closeSync(fd);
    },
    unreadable: (path) => {
      files['fragmented']?.(path);
      chmodSync(path, 0o600);
      if (process.getuid?.() === 0) chownSync(path, OTHER_USER, OTHER_USER);
    },
    sparse: (path) => {
      const fd = openSync(path, 'w');
      ftruncateSync(fd, 2 ** 40);
      closeSync(fd);
    },
  };
  const heavy = Object.entries(files).flatMap(([kind, make]) => {
    const asFile = (/** @type {'request' | 'response'} */ what) => () => {
      const name = at(`${what}-${(count += 1) % HEAVY_NAMES}.txt`);
      make(at('.heavy'));
      renameSync(at('.heavy'), name);
      if (what === 'response') put(count % HEAVY_NAMES, small);
    };
    return [
      [`${kind}-requests`, { act: asFile('request'), isSlow: true }],
      [`${kind}-responses`, { act: asFile('response'), isSlow: true }],
    ];
  });

  const specials = [
    (/** @type {string} */ name) => {
      linkSync(at('fifo'), name);
    },
    (/** @type {string} */ name) => {
      symlinkSync('/etc/passwd', name);
    },
    (/** @type {string} */ name) => {
      linkSync(at('file'), name);
    },
    (/** @type {string} */ name) => {
      mkdirSync(name);
    },
    (/** @type {string} */ name) => {
      const fd = openSync(name, 'wx');
      ftruncateSync(fd, 2 ** 40);
      closeSync(fd);
    },
  ];
  const requests = () => {
    put((count += 1), `A:1:${vm}:${count}:1\n`);
    // No client reads the responses; this keeps the disk from filling.
    rmSync(at(`response-${count - 2 * size}.txt`), { force: true });
  };
  return {
    'small-junk': lines('x\n'),
    colons: lines(line(':')),
    commas: lines(line(',')),
    'long-number': lines(line('9', `A:1:${vm}:`)),
    mixed: lines(line('1,:-')),
    'mismatched-lists': lines(`A:1:${vm}:${ones(32_000)}:1\n`),
    nuls: lines(line('\0')),
    vectors: lines(`A:1:${vm}:${ones(16_000)}:${ones(16_000)}\n`),
    rewriting: {
      act: () => {
        writeFileSync(at(`request-${(count += 1) % NAMES}.txt`), `A:1:${vm}:${count}:1\n`);
      },
    },
    'half-written': {
      act: () => {
        writeFileSync(at(`request-${(count += 1) % NAMES}.txt`), `A:1:${vm}:${count}`);
      },
    },
    requests: {
      prepare() {
        while (count < size) requests();
      },
      act: requests,
    },
    'other-entries': {
      prepare() {
        let entry = '';
        for (let index = 0; index < size; index += 1) {
          // A file may have no more than 65 000 names on some file systems.
          if (index % 50_000 === 0) writeFileSync((entry = at(`entry${index}`)), '');
          linkSync(entry, at(`e${index}`));
        }
      },
      act() {
        const name = at(`e${(count += 1) % size}`);
        unlinkSync(name);
        linkSync(at('entry0'), name);
      },
    },
    events: {
      prepare() {
        for (const name of ['a', 'b']) mkdirSync(at(`request-${name}.txt`));
        for (const name of ['a', 'b']) writeFileSync(at(`request-${name}.txt/inside`), '');
      },
      // By turns: the kernel merges repeated events of one name.
      act: () => {
        utimesSync(at(`request-${(count += 1) % 2 === 0 ? 'a' : 'b'}.txt`), count, count);
      },
    },
    specials: {
      prepare() {
        execFileSync('mkfifo', [at('fifo')]);
        writeFileSync(at('file'), small);
      },
      act: () => specials[(count += 1) % specials.length]?.(at(`request-${count % NAMES}.txt`)),
    },
    'once-full-directory': {
      prepare() {
        // Both the VM directory, which is listed, and one in the place of a request.
        for (const folder of [directory, at('full')]) {
          mkdirSync(folder, { recursive: true });
          const entry = (/** @type {number} */ index) => join(folder, `${'n'.repeat(60)}${index}`);
          for (let index = 0; index < size / 2; index += 1) writeFileSync(entry(index), '');
          for (let index = 0; index < size / 2; index += 1) unlinkSync(entry(index));
        }
        renameSync(at('full'), at('request-full.txt'));
      },
      act: lines('x\n').act,
    },
    ...Object.fromEntries(heavy),
  };
}
