import { join } from 'node:path';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { Pool, Priority, VmId } from '@vgpu/protocol';
import { readJson } from '../json.js';
import { MediatorError } from '../mediator-error.js';
import { errnoOf } from '@vgpu/linux';
import { makeDirectory } from './directories.js';
import { replaceFile, syncDirectory } from './replace-file.js';

const between = (least: number, most: number, what: string) =>
  z.number(what).check(z.minimum(least, what), z.maximum(most, what));
const count = (what: string) => z.int(what).check(z.minimum(1, what), z.maximum(1_000_000, what));

/** How fast a VM's requests may come. */
const RegisteredRateLimit = z.strictObject({
  /** Requests per second in the long run; may be a fraction. */
  perSecond: between(0.001, 1_000_000, 'requests per second from 0.001 to 1000000'),
  /** Requests that may come at once after a pause. */
  burst: count('a whole number from 1 to 1000000'),
});

/**
 * The settings of a VM by the host's administrator; they take precedence over the VM's claims.
 *
 * @useDeclaredType
 */
export const Registration = z.strictObject({
  /** Which devices may serve it. */
  pool: Pool,
  /** 2 high, 1 medium, 0 low. */
  priority: Priority,
  /** Whether its requests are rejected with `SUSPENDED`. */
  suspended: z._default(z.boolean('true or false'), false),
  /** Default: the mediator's limit. */
  rateLimit: z.optional(RegisteredRateLimit),
  /** Maximum number of queued requests; the rest stays on disk. Default: the mediator's limit. */
  maxQueued: z.optional(count('a whole number from 1 to 1000000')),
});
export type Registration = z.infer<typeof Registration>;

const DEVICES = 'device numbers from 0 to 999, each once, at least one';

/** The settings of a pool. */
const PoolSettings = z.strictObject({
  /** The devices that serve it, with numbers as in `--devices`. */
  devices: z
    .array(between(0, 999, DEVICES).check(z.multipleOf(1, DEVICES)), DEVICES)
    .check(
      z.refine((list) => list.length > 0 && new Set(list).size === list.length, { error: DEVICES }),
    ),
});
type PoolSettings = z.infer<typeof PoolSettings>;

/** zod/mini has no messages of its own. */
const ENGLISH = { error: en().localeError };

/** Version 1 is the same without limits and pools. */
const VERSION = 2;

/** The content of the file; the keys of VMs are their numbers in decimal. */
const RegistryFile = z.strictObject({
  version: z.literal([1, VERSION], '1 or 2: a newer mediator has written it'),
  vms: z.record(z.stringFormat('VM number', isVmNumber), Registration),
  pools: z._default(z.partialRecord(Pool, PoolSettings), {}),
});

interface Content {
  readonly vms: Map<number, Registration>;
  readonly pools: Map<Pool, PoolSettings>;
}

/**
 * The registered VMs and the devices of the pools, in `registry.json` in the state directory, which no
 * VM can reach.
 *
 * A change replaces the file atomically, and is on disk when the call returns: after a kill or a
 * power failure the file has the state before or after the change. Only one process may change it
 * at a time. A file of the superuser belongs to the owner of the state directory.
 *
 * @example
 * ```ts
 * import { Registry } from '@vgpu/mediator';
 *
 * const registry = new Registry('./vgpu-state');
 * registry.set(7, { pool: 'B', priority: 0 });
 * console.log(registry.get(7)?.suspended); // false
 * ```
 */
export class Registry {
  readonly #stateDir: string;
  readonly #path: string;
  #content: Content;

  /**
   * Reads the registry; without a file no VM is registered.
   *
   * @param stateDir The mediator's own directory.
   * @param isRead If false, the registry is empty until {@link reload}.
   * @throws MediatorError `INVALID_REGISTRY` if the file cannot be read or parsed.
   */
  constructor(stateDir: string, isRead = true) {
    this.#stateDir = stateDir;
    this.#path = join(stateDir, 'registry.json');
    this.#content = isRead ? this.#read() : { vms: new Map(), pools: new Map() };
  }

  /** The number of registered VMs. */
  get size(): number {
    return this.#content.vms.size;
  }

  /**
   * The registration of a VM; undefined if it is not registered.
   *
   * @param vm Its number, 1 to 4294967295.
   */
  get(vm: number): Registration | undefined {
    return this.#content.vms.get(vm);
  }

  /** The numbers of all registered VMs, in no particular order, without copying them. */
  numbers(): IterableIterator<number> {
    return this.#content.vms.keys();
  }

  /** All registrations, by VM number ascending. */
  entries(): [vm: number, registration: Registration][] {
    return [...this.#content.vms].sort(([a], [b]) => a - b);
  }

  /**
   * The devices that serve a pool, with numbers as in `--devices`; undefined if every device does.
   *
   * @param pool `A` or `B`.
   */
  poolDevices(pool: Pool): readonly number[] | undefined {
    return this.#content.pools.get(pool)?.devices;
  }

  /**
   * Reads the file again; on failure the previous content stays.
   *
   * @throws MediatorError `INVALID_REGISTRY`.
   */
  reload(): void {
    this.#content = this.#read();
  }

  /**
   * Registers a VM, or changes its registration.
   *
   * @param vm Its number, 1 to 4294967295.
   * @param registration The new registration, which replaces the previous one.
   * @throws MediatorError `INVALID_REGISTRY` if the file or the registration is invalid; nothing
   *   has changed.
   * @throws MediatorError `STATE_DIR_UNUSABLE` if the file cannot be written, and nothing has
   *   changed; or if it is written, but may not survive a power failure.
   */
  set(vm: number, registration: z.input<typeof Registration>): void {
    const id = this.#check(VmId, vm);
    const checked = this.#check(Registration, registration);
    this.#replace(({ vms }) => vms.set(id, checked));
  }

  /**
   * Assigns devices to a pool.
   *
   * @param pool `A` or `B`.
   * @param devices Their numbers; undefined: every device.
   * @throws MediatorError as {@link set} does.
   */
  setPoolDevices(pool: Pool, devices: readonly number[] | undefined): void {
    const id = this.#check(Pool, pool);
    const checked = devices && this.#check(PoolSettings, { devices });
    this.#replace(({ pools }) => (checked ? pools.set(id, checked) : pools.delete(id)));
  }

  /**
   * @param vm Its number, 1 to 4294967295.
   * @returns false if the VM was not registered.
   * @throws MediatorError as {@link set} does.
   */
  remove(vm: number): boolean {
    this.reload();
    if (!this.#content.vms.has(vm)) return false;
    this.#replace(({ vms }) => vms.delete(vm));
    return true;
  }

  /** Changes the current content of the file, which another process may have changed. */
  #replace(change: (content: Content) => void): void {
    const content = this.#read();
    change(content);
    try {
      makeDirectory(this.#stateDir, 0o700);
      this.#write(content);
    } catch (cause) {
      if (errnoOf(cause) === undefined) throw cause;
      const reason = (cause as Error).message;
      throw new MediatorError('STATE_DIR_UNUSABLE', `cannot write ${this.#path}: ${reason}`, {
        cause,
      });
    }
  }

  #write(content: Content): void {
    const [vms, pools] = [Object.fromEntries(content.vms), Object.fromEntries(content.pools)];
    const file = { version: VERSION, vms, ...(content.pools.size > 0 && { pools }) };
    replaceFile(this.#path, `${JSON.stringify(file, null, 2)}\n`);
    this.#content = content;
    syncDirectory(this.#stateDir);
  }

  #read(): Content {
    let content: unknown;
    try {
      content = readJson(this.#path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return { vms: new Map(), pools: new Map() };
      throw this.#invalid(`cannot be read: ${(error as Error).message}`, error);
    }
    const { vms, pools } = this.#check(RegistryFile, content);
    return {
      vms: new Map(Object.entries(vms).map(([vm, registration]) => [Number(vm), registration])),
      pools: new Map(Object.entries(pools) as [Pool, PoolSettings][]),
    };
  }

  #check<T extends z.core.$ZodType>(schema: T, value: unknown): z.output<T> {
    const { success, data, error } = z.safeParse(schema, value, ENGLISH);
    if (success) return data;
    const [issue] = error.issues;
    const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
    throw this.#invalid(`is invalid: ${where}${expectedBy(issue)}`, error);
  }

  #invalid(what: string, cause: unknown): MediatorError {
    return new MediatorError('INVALID_REGISTRY', `the registry ${this.#path} ${what}`, { cause });
  }
}

/** The message of an issue in the form "expected ...", like other messages of this package. */
function expectedBy(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'invalid_key') {
    return 'expected the number of a VM, 1 to 4294967295, without leading zeros';
  }
  const message = issue?.message ?? 'something else';
  return /^Invalid [a-z ]+: (expected .*)$/s.exec(message)?.[1] ?? `expected ${message}`;
}

function isVmNumber(text: string): boolean {
  return String(Number(text)) === text && VmId.safeParse(Number(text)).success;
}
