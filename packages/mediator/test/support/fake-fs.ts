import { EventEmitter } from 'node:events';
import * as fs from 'node:fs';
import { jest } from '@jest/globals';
// Not by the package's index: what that imports would keep the real `node:fs`.
import { addonIfAny, requireAddon, type NativeAddon } from '../../../linux/src/addon.js';

type Name = keyof typeof fs | keyof NativeAddon;

/** A call of a function of `node:fs` or of the addon, and its action. */
export interface FsCall {
  readonly name: Name;
  readonly args: readonly unknown[];
  readonly proceed: () => unknown;
}

/** Handles each call; calls of the test itself are not handled. */
type Interception = (call: FsCall) => unknown;

const passThrough: Interception = ({ proceed }) => proceed();

/**
 * The real `node:fs` for modules imported after this, with a hook in between: to fail like a full
 * disk, or to act like a guest at the worst moment.
 */
export class FakeFs {
  /** Whether VM directories that are opened from now on are used by the addon. */
  hasAddon = false;
  #intercept = passThrough;

  constructor() {
    const addon = addonIfAny();
    const at = (directory: number, name: string) => `/proc/self/fd/${directory}/${name}`;
    const remove = this.#atOnce('unlinkSync', fs.unlinkSync);
    const removeDirectory = this.#atOnce('rmdirSync', fs.rmdirSync);
    const close = this.#atOnce('closeSync', fs.closeSync);
    const wrappedAddon = addon && {
      ...this.#wrap(addon, /At$/),
      removeLater: (directory: number, name: string) => remove(at(directory, name)),
      removeDirectoryLater: (directory: number, name: string) =>
        removeDirectory(at(directory, name)),
      closeLater: (_directory: number, descriptor: number) => close(descriptor),
      outstanding: () => 0,
    };
    const wrapped = {
      ...this.#wrap(fs, /^(?:[a-z]+Sync|watch)$/),
      close,
      unlink: remove,
      rmdir: removeDirectory,
    };
    jest.unstable_mockModule('node:fs', () => wrapped);
    jest.unstable_mockModule('../../../linux/src/addon.js', () => ({
      addonIfAny: () => (this.hasAddon ? wrappedAddon : undefined),
      requireAddon,
    }));
  }

  /** Calls on a thread of Node are done at once, and come here by the name of the synchronous call. */
  #atOnce<T>(name: Name, call: (of: T) => void) {
    return (of: T, done?: (error: unknown) => void) => {
      let failure: unknown = null;
      const proceed = () => {
        call(of);
      };
      try {
        this.#intercept({ name, args: [of], proceed });
      } catch (error) {
        failure = error;
      }
      done?.(failure);
      return 0;
    };
  }

  #wrap<T extends object>(real: T, names: RegExp): T {
    const wrapped = Object.entries(real).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'function' && names.test(name)
        ? (...args: unknown[]) =>
            this.#intercept({
              name: name as Name,
              args,
              proceed: () => (value as (...args: unknown[]) => unknown)(...args),
            })
        : value,
    ]);
    return Object.fromEntries(wrapped) as T;
  }

  /** From now on every call is the test's. */
  intercept(interception: Interception): void {
    this.#intercept = interception;
  }

  /** Does something once, right after the first call that fits. */
  after(fits: (call: FsCall) => boolean, action: () => void): void {
    this.intercept((call) => {
      const result = call.proceed();
      if (fits(call)) {
        this.restore();
        action();
      }
      return result;
    });
  }

  restore(): void {
    this.#intercept = passThrough;
  }
}

/** A watcher without events, as for changes by other hosts on a network file system. */
export const silentWatcher = () => Object.assign(new EventEmitter(), { close: () => undefined });

/** As a failed system call throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}

/** Fits a call of a function whose first or second argument ends like this. */
export const callOf =
  (name: Name, suffix: string) =>
  (call: FsCall): boolean =>
    call.name === name &&
    call.args.slice(0, 2).some((arg) => typeof arg === 'string' && arg.endsWith(suffix));

/** Acts like `kill -9`: from some call on, no call is made. */
export class FakeKill extends Error {}

const isChange = (name: string) =>
  /^(?:mkdir|rmdir|open|write|writeFile|fsync|rename|rm|unlink|chmod|chown|fchmod|fchown)Sync$/.test(
    name,
  );

/**
 * Does something; the change of the disk with this number fails, and with a kill all calls after it.
 *
 * @returns the thrown error; undefined if there were fewer changes.
 */
export function failAt(
  fakeFs: FakeFs,
  number: number,
  failure: Error,
  action: () => void,
): unknown {
  const opened = new Set<number>();
  let changes = 0;
  fakeFs.intercept(({ name, args, proceed }) => {
    if (isChange(name)) changes += 1;
    const isDead = failure instanceof FakeKill && changes > number;
    if (isDead || (isChange(name) && changes === number)) throw failure;
    const result = proceed();
    if (name === 'openSync') opened.add(result as number);
    if (name === 'closeSync') opened.delete(args[0] as number);
    return result;
  });
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    fakeFs.restore();
    // The kernel closes the descriptors of a killed process.
    for (const fd of opened) fs.closeSync(fd);
  }
}
