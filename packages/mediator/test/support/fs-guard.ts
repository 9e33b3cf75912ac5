import { constants, fstatSync, lstatSync, readlinkSync } from 'node:fs';
import type { FsCall } from './fake-fs.js';

/** Calls that read or change the file of a descriptor. */
const ON_DESCRIPTOR = new Set(['readSync', 'writeSync', 'fchmodSync', 'fchownSync', 'futimesSync']);

/** Observes the mediator's file calls, and records forbidden ones. */
export class FsGuard {
  readonly violations: string[] = [];
  readonly #protectedInodes: ReadonlySet<number>;
  readonly #secret: string;

  /**
   * @param protectedFiles Files that must be neither read nor changed, under any name.
   * @param secret Text that must never be written anywhere.
   */
  constructor(protectedFiles: readonly string[], secret: string) {
    this.#protectedInodes = new Set(protectedFiles.map((path) => lstatSync(path).ino));
    this.#secret = secret;
  }

  /** Carries out a call of the mediator, unless it would block without limit. */
  check(call: FsCall): unknown {
    const { name, args, proceed } = call;
    const [first, second] = args;
    if (ON_DESCRIPTOR.has(name) && this.#protectedInodes.has(fstatSync(first as number).ino)) {
      this.violations.push(`${name} on a protected file`);
    }
    if (name === 'writeSync' && (second as Buffer).includes(this.#secret)) {
      this.violations.push('the secret was written');
    }
    if (name !== 'openSync') return proceed();
    const { path, directory } = resolve(String(first));
    const isFifo = lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
    if (isFifo && (Number(second) & constants.O_NONBLOCK) === 0) {
      this.violations.push('a FIFO was opened so that it blocks');
      throw Object.assign(new Error('not opened, it would block'), { code: 'ENXIO' });
    }
    const fd = proceed() as number;
    const opened = readlinkSync(`/proc/self/fd/${fd}`);
    if (directory !== undefined && opened !== path) {
      this.violations.push(`opening ${path} led to ${opened}`);
    }
    return fd;
  }
}

/** The path of a file below an open directory, and that directory. */
function resolve(path: string): { readonly path: string; readonly directory?: string } {
  const match = /^(\/proc\/[0-9]+\/fd\/[0-9]+)\/(.*)$/s.exec(path);
  if (match === null) return { path };
  const directory = readlinkSync(String(match[1]));
  return { path: `${directory}/${match[2]}`, directory };
}
