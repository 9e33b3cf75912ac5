import { Pool, printable, Priority, VmId } from '@vgpu/protocol';
import { VgpuError } from './errors.js';
import { DEFAULTS } from './identity.js';

/** What a {@link VgpuClient} is made with. */
export interface ClientOptions {
  /** The directory that holds one directory per VM, such as `/mnt/vgpu`. */
  readonly root: string;
  /** The number of this VM, 1 to 4294967295. Its directory is `<root>/vm<vmId>`. */
  readonly vmId: number;
  /** Decides which devices may serve the requests, not when. Default `A`. */
  readonly pool?: 'A' | 'B' | undefined;
  /** 2 high, 1 medium, 0 low. Default 1. */
  readonly priority?: 0 | 1 | 2 | undefined;
  /** How long a call waits for its answer, in milliseconds, up to 2147483647. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Use the one slot that people use by hand, `request.txt`, instead of a new one for each call.
   * Calls take turns then, and fail with `SLOT_BUSY` where somebody else uses it. Default false.
   */
  readonly plain?: boolean | undefined;
}

/**
 * What a call needs of an `AbortSignal`, which is one. It has a type of its own, because that of
 * `AbortSignal` comes from the types of the DOM or of Node, which a program may do without.
 */
export interface CallSignal {
  /** Whether it is aborted already. */
  readonly aborted: boolean;
  /** Why. */
  readonly reason: unknown;
  /**
   * Has a function called when it is aborted.
   *
   * @param type `abort`.
   * @param listener What is called.
   */
  addEventListener(type: 'abort', listener: () => void): void;
  /**
   * Takes that back.
   *
   * @param type `abort`.
   * @param listener What is no longer called.
   */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What one call may have of its own. */
export interface CallOptions {
  /** Withdraws the request; the call rejects with `ABORTED` and the signal's reason as cause. */
  readonly signal?: CallSignal | undefined;
  /** As in {@link ClientOptions}, for this call. */
  readonly timeoutMs?: number | undefined;
  /** As in {@link ClientOptions}, for this call. */
  readonly priority?: 0 | 1 | 2 | undefined;
}

export const DEFAULT_TIMEOUT_MS = 30_000;

/** The longest delay of a timer, in milliseconds: a longer one would fire at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Whether a text can be meant as a path: a file of variables that keeps quotation marks or a
 * carriage return has given others.
 */
export const isPlausiblePath = (text: string): boolean =>
  text !== '' &&
  text.trim() === text &&
  !/\p{Cc}/u.test(text) &&
  !/^(?:"|(["']).*\1)$/su.test(text);

/** Options with nothing left out. */
export type CheckedOptions = {
  readonly [Name in keyof ClientOptions]-?: Exclude<ClientOptions[Name], undefined>;
};

/**
 * Fills in what was left out.
 *
 * @throws VgpuError `INVALID_OPTION`.
 */
export function checkOptions(options: ClientOptions): CheckedOptions {
  check('options', options, isObject(options), 'an object with `root` and `vmId`');
  const {
    root,
    vmId,
    pool = DEFAULTS.pool,
    priority = DEFAULTS.priority,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    plain = false,
  } = options;
  check('root', root, isPath(root), 'the path of a directory');
  check('vmId', vmId, VmId.safeParse(vmId).success, 'a whole number from 1 to 4294967295');
  check('pool', pool, Pool.safeParse(pool).success, "'A' or 'B'");
  checkPriority(priority);
  checkTimeout(timeoutMs);
  check('plain', plain, typeof plain === 'boolean', 'true or false');
  return { root, vmId, pool, priority, timeoutMs, plain };
}

/** @throws VgpuError `INVALID_OPTION`. */
export function checkPriority(value: number): void {
  check('priority', value, Priority.safeParse(value).success, '0 (low), 1 (medium) or 2 (high)');
}

/** @throws VgpuError `INVALID_OPTION`. */
export function checkTimeout(value: number): void {
  const isValid = typeof value === 'number' && value > 0 && value <= MAX_TIMEOUT_MS;
  check('timeoutMs', value, isValid, `milliseconds, more than 0 and at most ${MAX_TIMEOUT_MS}`);
}

const isPath = (value: unknown) => typeof value === 'string' && isPlausiblePath(value);

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

function check(name: string, value: unknown, isValid: boolean, expected: string): void {
  if (isValid) return;
  // `String` throws for objects that have no text.
  const received = isObject(value) ? 'an object' : printable(String(value));
  throw new VgpuError('INVALID_OPTION', `${name}: expected ${expected}, got ${received}`);
}
