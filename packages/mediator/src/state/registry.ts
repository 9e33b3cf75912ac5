import { join } from 'node:path';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { Pool, VmId } from '@vgpu/protocol';
import { makeDirectory } from './directories.js';
import { readJson } from '../json.js';
import { MediatorError } from '../mediator-error.js';
import { PoolSettings, Registration } from './registration.js';
import { replaceFile, syncDirectory } from './replace-file.js';
import { errnoOf } from '@vgpu/linux';

/** zod/mini brings no messages of its own. */
const ENGLISH = { error: en().localeError };

/** Version 1 had neither limits nor pools, and is otherwise the same. */
const VERSION = 2;

/** The file's content; VMs by their numbers in decimal. */
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
 * A change replaces the file as a whole, and is on disk when the call returns: whoever is killed,
 * and wherever the power fails, the file holds the state before or after it. One process may change
 * it at a time. What root writes belongs to the owner of the state directory.
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
   * @param isRead False: it is empty until {@link reload}.
   * @throws MediatorError `INVALID_REGISTRY`: the file cannot be read, or not be understood.
   */
  constructor(stateDir: string, isRead = true) {
    this.#stateDir = stateDir;
    this.#path = join(stateDir, 'registry.json');
    this.#content = isRead ? this.#read() : { vms: new Map(), pools: new Map() };
  }

  /** How many VMs are registered. */
  get size(): number {
    return this.#content.vms.size;
  }

  /**
   * What is registered of a VM; undefined if it is not.
   *
   * @param vm Its number, 1 to 4294967295.
   */
  get(vm: number): Registration | undefined {
    return this.#content.vms.get(vm);
  }

  /** The numbers of all registered VMs, in no order; costs nothing in advance. */
  numbers(): IterableIterator<number> {
    return this.#content.vms.keys();
  }

  /** All registrations, by VM number ascending. */
  entries(): [vm: number, registration: Registration][] {
    return [...this.#content.vms].sort(([a], [b]) => a - b);
  }

  /**
   * The devices that serve a pool, by the numbers that `--devices` has; undefined if every one does.
   *
   * @param pool `A` or `B`.
   */
  poolDevices(pool: Pool): readonly number[] | undefined {
    return this.#content.pools.get(pool)?.devices;
  }

  /**
   * Reads the file again; keeps what was known if that fails.
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
   * @param registration What is to hold; it replaces what did.
   * @throws MediatorError `INVALID_REGISTRY`: the file, or what was given, is invalid; nothing has
   *   changed.
   * @throws MediatorError `STATE_DIR_UNUSABLE`: the file cannot be written, and nothing has changed;
   *   or it was, but the file system cannot say that it would survive a power failure.
   */
  set(vm: number, registration: z.input<typeof Registration>): void {
    const id = this.#check(VmId, vm);
    const checked = this.#check(Registration, registration);
    this.#replace(({ vms }) => vms.set(id, checked));
  }

  /**
   * Says which devices serve a pool.
   *
   * @param pool `A` or `B`.
   * @param devices undefined: every device.
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

  /** Changes what the file holds now, which may be more than what was known. */
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

/** What an issue says, beginning with "expected", as messages of ours do. */
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
