import { constants } from 'node:os';
import { Channel } from '../src/channel.js';
import { LocalShare } from '../src/local-share.js';
import { PolledChanges } from '../src/polled-changes.js';
import type { Share } from '../src/share.js';

/** An error as Node throws it when a system call fails. */
export function errnoError(name: keyof typeof constants.errno): Error {
  return Object.assign(new Error(`${name}: it failed, call '/somewhere'`), {
    errno: -constants.errno[name],
    code: name,
  });
}

/** Opens a local directory, polled, with some operations of the share replaced. */
export function faulty(replace: (share: Share) => Partial<Share>) {
  return (directory: string): Promise<Channel> => {
    const real = new LocalShare(directory);
    const share: Share = {
      create: real.create.bind(real),
      clearAnswer: real.clearAnswer.bind(real),
      rename: real.rename.bind(real),
      read: real.read.bind(real),
      readIfThere: real.readIfThere.bind(real),
      isResponseTo: real.isResponseTo.bind(real),
      remove: real.remove.bind(real),
      ...replace(real),
    };
    return Promise.resolve(new Channel(share, new PolledChanges()));
  };
}

/** A function that throws these errors, one a call, and then does what the other function does. */
export function failingFirst<A extends unknown[], R>(
  errors: readonly Error[],
  then: (...args: A) => R,
) {
  const left = [...errors];
  return (...args: A): R => {
    const error = left.shift();
    if (error !== undefined) throw error;
    return then(...args);
  };
}
