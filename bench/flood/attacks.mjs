/** What the root user of a hostile VM may do in its own directory. */
import { execFileSync } from 'node:child_process';
import {
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
} from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Attack
 * @property {() => void} [prepare] Done once, before the attack counts as begun.
 * @property {() => void} act Done again and again; may fail where the mediator has removed something.
 */

/** What an attack by so many files leaves aside. */
const SIZE_OF_LONG_VECTOR = 16_000;
const NAMES = 1000;

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
  const long = new Array(SIZE_OF_LONG_VECTOR).fill('1').join(',');
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
    put((count += 1), `A:2:${vm}:${count}:1\n`);
    // Nobody reads the answers; this keeps the disk from filling.
    rmSync(at(`response-${count - 2 * size}.txt`), { force: true });
  };
  return {
    requests: {
      prepare() {
        while (count < size) requests();
      },
      act: requests,
    },
    'long requests': {
      act: () => {
        put((count += 1) % NAMES, `A:2:${vm}:${long}:${long}\n`);
      },
    },
    'other entries': {
      prepare() {
        writeFileSync(at('entry'), '');
        for (let index = 0; index < size; index += 1) linkSync(at('entry'), at(`e${index}`));
      },
      act() {
        const name = at(`e${(count += 1) % size}`);
        unlinkSync(name);
        linkSync(at('entry'), name);
      },
    },
    rewriting: {
      act: () => {
        writeFileSync(at(`request-${(count += 1) % NAMES}.txt`), `A:2:${vm}:${count}:1\n`);
      },
    },
    'half-written requests': {
      act: () => {
        writeFileSync(at(`request-${(count += 1) % NAMES}.txt`), `A:2:${vm}:${count}`);
      },
    },
    events: {
      prepare() {
        for (const name of ['a', 'b']) mkdirSync(at(`request-${name}.txt`));
        for (const name of ['a', 'b']) writeFileSync(at(`request-${name}.txt/inside`), '');
      },
      // By turns: the kernel reports what happens to one name again and again once.
      act: () => {
        utimesSync(at(`request-${(count += 1) % 2 === 0 ? 'a' : 'b'}.txt`), count, count);
      },
    },
    specials: {
      prepare() {
        execFileSync('mkfifo', [at('fifo')]);
        writeFileSync(at('file'), `A:2:${vm}:1:1\n`);
      },
      act: () => specials[(count += 1) % specials.length]?.(at(`request-${count % NAMES}.txt`)),
    },
  };
}
