import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { Pool, Priority, VmId } from '@vgpu/protocol';
import { makeDirectory } from './directories.js';
import { MediatorError } from './mediator-error.js';
import { replaceFile, syncDirectory } from './replace-file.js';
import { errnoOf } from './spool/errno.js';

/** What the host's administrator says about a VM; it outranks what the VM says. */
export const Registration = z.strictObject({
  pool: Pool,
  priority: Priority,
  /** Its requests are answered `SUSPENDED`. */
  suspended: z._default(z.boolean('true or false'), false),
});
export type Registration = z.infer<typeof Registration>;

/** zod/mini brings no messages of its own. */
const ENGLISH = { error: en().localeError };

/** The file's content; VMs by their numbers in decimal. */
const RegistryFile = z.strictObject({
  version: z.literal(1, '1: a newer mediator has written it'),
  vms: z.record(z.stringFormat('VM number', isVmNumber), Registration),
});

/**
 * The registered VMs, in `registry.json` in the state directory, which no VM can reach.
 *
 * A change replaces the file as a whole, and is on disk when the call returns: whoever is killed,
 * and wherever the power fails, the file holds the state before or after it. One process may change
 * it at a time. What root writes belongs to the owner of the state directory.
 */
export class Registry {
  readonly #stateDir: string;
  readonly #path: string;
  #registrations: ReadonlyMap<number, Registration>;

  /**
   * Reads the registry; without a file no VM is registered.
   *
   * @throws MediatorError `INVALID_REGISTRY`: the file cannot be read, or not be understood.
   */
  constructor(stateDir: string) {
    this.#stateDir = stateDir;
    this.#path = join(stateDir, 'registry.json');
    this.#registrations = this.#read();
  }

  get size(): number {
    return this.#registrations.size;
  }

  get(vm: number): Registration | undefined {
    return this.#registrations.get(vm);
  }

  /** All registrations, by VM number ascending. */
  entries(): [vm: number, registration: Registration][] {
    return [...this.#registrations].sort(([a], [b]) => a - b);
  }

  /**
   * Reads the file again; keeps what was known if that fails.
   *
   * @throws MediatorError `INVALID_REGISTRY`.
   */
  reload(): void {
    this.#registrations = this.#read();
  }

  /**
   * Registers a VM, or changes its registration.
   *
   * @throws MediatorError `INVALID_REGISTRY`: the file, or what was given, is invalid; nothing has
   *   changed.
   * @throws MediatorError `STATE_DIR_UNUSABLE`: the file cannot be written, and nothing has changed;
   *   or it was, but the file system cannot say that it would survive a power failure.
   */
  set(vm: number, registration: z.input<typeof Registration>): void {
    const id = this.#check(VmId, vm);
    const checked = this.#check(Registration, registration);
    this.#replace((registrations) => registrations.set(id, checked));
  }

  /**
   * @returns false if the VM was not registered.
   * @throws MediatorError as {@link set} does.
   */
  remove(vm: number): boolean {
    this.reload();
    if (!this.#registrations.has(vm)) return false;
    this.#replace((registrations) => registrations.delete(vm));
    return true;
  }

  /** Changes what the file holds now, which may be more than what was known. */
  #replace(change: (registrations: Map<number, Registration>) => void): void {
    const registrations = new Map(this.#read());
    change(registrations);
    try {
      makeDirectory(this.#stateDir, 0o700);
      this.#write(registrations);
    } catch (cause) {
      if (errnoOf(cause) === undefined) throw cause;
      const reason = (cause as Error).message;
      throw new MediatorError('STATE_DIR_UNUSABLE', `cannot write ${this.#path}: ${reason}`, {
        cause,
      });
    }
  }

  #write(registrations: ReadonlyMap<number, Registration>): void {
    const vms = Object.fromEntries([...registrations].map(([vm, value]) => [String(vm), value]));
    replaceFile(this.#path, `${JSON.stringify({ version: 1, vms }, null, 2)}\n`);
    this.#registrations = registrations;
    syncDirectory(this.#stateDir);
  }

  #read(): ReadonlyMap<number, Registration> {
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(this.#path, 'utf8'));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return new Map();
      throw this.#invalid(`cannot be read: ${(error as Error).message}`, error);
    }
    const { vms } = this.#check(RegistryFile, content);
    return new Map(Object.entries(vms).map(([vm, registration]) => [Number(vm), registration]));
  }

  #check<T extends z.core.$ZodType>(schema: T, value: unknown): z.output<T> {
    const { success, data, error } = z.safeParse(schema, value, ENGLISH);
    if (success) return data;
    const [issue] = error.issues;
    const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
    throw this.#invalid(
      `is invalid: ${where}expected ${issue?.message ?? 'something else'}`,
      error,
    );
  }

  #invalid(what: string, cause: unknown): MediatorError {
    return new MediatorError('INVALID_REGISTRY', `the registry ${this.#path} ${what}`, { cause });
  }
}

function isVmNumber(text: string): boolean {
  return String(Number(text)) === text && VmId.safeParse(Number(text)).success;
}
