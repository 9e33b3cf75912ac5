/** What virtual machines leave in their directories for a mediator, and what it has to make of it. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Names in one VM directory, and what is in the files. */
type Files = Readonly<Record<string, string>>;

interface Share {
  /** In the order in which they are written. */
  readonly before: (vm: number) => Files;
  /** Nothing else may be there in the end. */
  readonly after: Files;
  /** Names that are symbolic links to the canary. */
  readonly links?: readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** For each VM that takes part in it. */
  readonly shares: readonly Share[];
}

const named = (id: string, text: (vm: number) => string, answer: string): Share => ({
  before: (vm) => ({ [`response-${id}.txt`]: '', [`request-${id}.txt`]: text(vm) }),
  after: { [`response-${id}.txt`]: answer },
});

const plain = (older: string, text: (vm: number) => string, answer: string): Share => ({
  before: (vm) => ({ 'response.txt': older, 'request.txt': text(vm) }),
  after: { 'response.txt': answer },
});

export const SCENARIOS: readonly Scenario[] = [
  { name: 'a named request', shares: [named('a', (vm) => `A:2:${vm}:100:200\n`, '300\n')] },
  { name: 'a plain request', shares: [plain('', (vm) => `A:2:${vm}:100:200\n`, '300\n')] },
  {
    name: 'a plain request after an answer that nobody has read',
    shares: [plain('999\n', (vm) => `A:2:${vm}:100:200\n`, '300\n')],
  },
  {
    name: 'a plain request without a newline',
    shares: [plain('', (vm) => `A:2:${vm}:100:200`, '300\n')],
  },
  {
    name: 'a plain request that is rejected',
    shares: [
      plain(
        '',
        (vm) => `C:2:${vm}:1:2\n`,
        `ERROR:BAD_REQUEST:pool: expected 'A' or 'B', got "C"\n`,
      ),
    ],
  },
  {
    name: 'a symbolic link in the place of a request',
    shares: [
      {
        before: () => ({ 'response-a.txt': '' }),
        links: ['request-a.txt'],
        after: {
          'response-a.txt':
            'ERROR:BAD_REQUEST:request: expected a regular file, got a symbolic link\n',
        },
      },
    ],
  },
  {
    name: 'requests of two VMs',
    shares: [
      named('low', (vm) => `A:0:${vm}:-5:3\n`, '-2\n'),
      named('high', (vm) => `B:2:${vm}:1,2:10,20\n`, '11,22\n'),
    ],
  },
];

const isRoot = process.getuid?.() === 0;
/** Another user's, so that answers have to be given away. */
const OWNER = isRoot ? 60_001 : process.getuid?.();

/** A file of the host that no VM and no mediator may touch; what it holds would be a fine request. */
export class Canary {
  readonly path: string;
  readonly #before: string;

  constructor(directory: string) {
    this.path = join(directory, 'canary.txt');
    writeFileSync(this.path, 'A:2:1:1:1\n', { mode: 0o600 });
    this.#before = this.#look();
  }

  get isUntouched(): boolean {
    return this.#look() === this.#before;
  }

  #look(): string {
    const { uid, mode, nlink, ino, mtimeMs, ctimeMs } = lstatSync(this.path);
    return JSON.stringify([
      uid,
      mode,
      nlink,
      ino,
      mtimeMs,
      ctimeMs,
      readFileSync(this.path, 'utf8'),
    ]);
  }
}

/** Makes a VM directory as its virtual machine leaves it. */
export function fill(directory: string, vm: number, share: Share, canary: Canary): void {
  mkdirSync(directory);
  for (const [name, text] of Object.entries(share.before(vm)))
    writeFileSync(join(directory, name), text);
  for (const name of share.links ?? []) symlinkSync(canary.path, join(directory, name));
  chmodSync(directory, 0o750);
  if (isRoot) chownSync(directory, 60_001, 60_001);
}

/** What must never be, not even for a moment: an answer that is neither old nor empty nor whole. */
export function tornIn(directory: string, vm: number, { before, after }: Share): string[] {
  return Object.entries(after).flatMap(([name, answer]) => {
    if (!readdirSync(directory).includes(name)) return [`${name} is gone`];
    const text = readFileSync(join(directory, name), 'utf8');
    const isWhole = [before(vm)[name], '', answer].includes(text);
    return isWhole ? [] : [`${name} holds ${JSON.stringify(text)}`];
  });
}

/** What is not as it has to be once everything is served; the last plain request may still be held. */
export function faultsIn(directory: string, { after }: Share): string[] {
  const names = readdirSync(directory);
  const isHeld = (name: string) => name.startsWith('.vgpu-taken-');
  const [, ...tooMany] = names.filter(isHeld);
  const others = names.filter((name) => !(name in after) && !isHeld(name));
  const surplus = [...others, ...tooMany].map((name) => `${name} is left`);
  const wrong = Object.entries(after).flatMap(([name, answer]) => {
    if (!names.includes(name)) return [`${name} is absent`];
    const text = readFileSync(join(directory, name), 'utf8');
    if (text !== answer) return [`${name} holds ${JSON.stringify(text)}`];
    const { uid, mode } = lstatSync(join(directory, name));
    const access = `${uid} ${(mode & 0o777).toString(8)}`;
    return access === `${OWNER ?? ''} 640` ? [] : [`owner and mode of ${name} are ${access}`];
  });
  return [...surplus, ...wrong];
}
