import type { Events } from '../../src/events.js';
import {
  UndeliverableError,
  type RequestSource,
  type SourceVm,
  type Step,
  type Ticket,
  type VmRequests,
} from '../../src/scheduling/request-source.js';

/** A failure of the fake source itself, as that of a system call. */
export class FakeSourceError extends Error {}

/** Requests and responses of VMs in memory: the adapter of tests in which no file system matters. */
export class FakeSource implements RequestSource {
  readonly #events: Events;
  readonly #onWork: (requests: VmRequests) => void;
  readonly #vms = new Map<number, FakeVmRequests>();
  #lastArrivalNs = 0n;
  isReadable = true;

  /** @param onWork Called with each VM that has a request to read. */
  constructor(events: Events, onWork: (requests: VmRequests) => void) {
    this.#events = events;
    this.#onWork = onWork;
  }

  get isDrained(): boolean {
    return [...this.#vms.values()].every(({ hasWork }) => !hasWork);
  }

  get failures(): number {
    return [...this.#vms.values()].filter(({ hasFailed }) => hasFailed).length;
  }

  get vmCount(): number {
    return this.#vms.size;
  }

  /** A VM, which is there from then on. */
  vm(vm: number): FakeVmRequests {
    let requests = this.#vms.get(vm);
    if (requests === undefined) {
      requests = new FakeVmRequests(vm, {
        nextArrivalNs: () => (this.#lastArrivalNs += 1n),
        noteWork: (worker) => {
          this.#onWork(worker);
          this.#events.emit('work');
        },
      });
      this.#vms.set(vm, requests);
    }
    return requests;
  }

  /** Takes a VM away, with all that it has written. */
  remove(vm: number): void {
    const requests = this.#vms.get(vm);
    if (requests === undefined) return;
    this.#vms.delete(vm);
    requests.clear();
    this.#events.emit('requestsGone', requests);
  }

  open(): void {
    this.applyLimits();
  }

  close(): Promise<void> {
    this.#vms.clear();
    return Promise.resolve();
  }

  refresh(): void {
    // Nothing comes without being noticed.
  }

  scan(): void {
    for (const requests of this.#vms.values()) requests.recover();
    this.applyLimits();
  }

  applyLimits(): void {
    for (const requests of this.#vms.values()) if (requests.hasWork) this.#onWork(requests);
  }

  has(vm: number): boolean {
    return this.#vms.has(vm);
  }

  *vms(): IterableIterator<SourceVm> {
    for (const { vm, admittedCount, hasFailed } of this.#vms.values()) {
      yield { vm, queued: admittedCount, hasFailed };
    }
  }
}

interface Written {
  readonly text: string;
  readonly arrivalNs: bigint;
}

/** One VM of a {@link FakeSource}, from both sides. */
export class FakeVmRequests implements VmRequests {
  readonly vm: number;
  readonly failures: unknown[] = [];
  /** While set, the error of reading and responding. */
  failure: Error | undefined;
  readonly #host: { nextArrivalNs(): bigint; noteWork(requests: FakeVmRequests): void };
  readonly #written = new Map<string, Written>();
  readonly #responses = new Map<string, string>();
  readonly #noticed = new Set<string>();
  readonly #later = new Set<string>();
  readonly #admitted = new Map<string, FakeTicket>();
  readonly #onUnlocked: (() => void)[] = [];
  #isLocked = false;

  constructor(vm: number, host: { nextArrivalNs(): bigint; noteWork(r: FakeVmRequests): void }) {
    this.vm = vm;
    this.#host = host;
  }

  /** As the VM: writes a request, over the one that is there. */
  put(slot: string, text: string): void {
    this.#written.set(slot, { text, arrivalNs: this.#host.nextArrivalNs() });
    this.notice(slot);
  }

  /** As the VM: takes a request back. */
  take(slot: string): void {
    this.#written.delete(slot);
    this.notice(slot);
  }

  /** All that the VM has written is gone. */
  clear(): void {
    this.#written.clear();
    this.#noticed.clear();
  }

  /** As the VM: reads a response. */
  response(slot: string): string | undefined {
    return this.#responses.get(slot);
  }

  /** Whether the VM still sees its request. */
  hasRequest(slot: string): boolean {
    return this.#written.has(slot);
  }

  /** Locks or unlocks all that the VM has. */
  lock(isLocked: boolean): void {
    this.#isLocked = isLocked;
    if (isLocked) return;
    for (const act of this.#onUnlocked.splice(0)) act();
    if (this.hasWork) this.#host.noteWork(this);
  }

  get admitted(): Iterable<FakeTicket> {
    return this.#admitted.values();
  }

  get admittedCount(): number {
    return this.#admitted.size;
  }

  get hasWork(): boolean {
    return !this.#isLocked && this.#noticed.size > 0;
  }

  get hasFailed(): boolean {
    return this.#later.size > 0;
  }

  get isLocked(): boolean {
    return this.#isLocked;
  }

  whenUnlocked(act: () => void): void {
    this.#onUnlocked.push(act);
  }

  next(): Step {
    const [slot] = this.#noticed;
    if (slot === undefined) return { cost: 1 };
    this.#noticed.delete(slot);
    if (this.failure !== undefined) {
      this.fail(slot, this.failure);
      return { cost: 1 };
    }
    const written = this.#written.get(slot);
    const admitted = this.#admitted.get(slot);
    if (admitted !== undefined) {
      return admitted.written === written ? { cost: 1 } : { superseded: admitted, cost: 1 };
    }
    if (written === undefined) return { cost: 1 };
    const content = { kind: 'text', text: written.text } as const;
    return { arrival: { ticket: new FakeTicket(this, slot, written), content }, cost: 1 };
  }

  fail(slot: string, error: unknown): void {
    this.explain(error);
    this.failures.push(error);
    if (!(error instanceof UndeliverableError)) this.#later.add(slot);
  }

  explain(error: unknown): { readonly error: string } {
    const isOwn = error instanceof FakeSourceError || error instanceof UndeliverableError;
    if (!isOwn) throw error;
    return { error: error.message };
  }

  /** Failed requests are read again. */
  recover(): void {
    for (const slot of this.#later) this.#noticed.add(slot);
    this.#later.clear();
  }

  notice(slot: string): void {
    this.#noticed.add(slot);
    this.#host.noteWork(this);
  }

  admit(ticket: FakeTicket): void {
    this.#admitted.set(ticket.slot, ticket);
  }

  release(ticket: FakeTicket): void {
    if (this.#admitted.get(ticket.slot) === ticket) this.#admitted.delete(ticket.slot);
  }

  isCurrent({ slot, written }: FakeTicket): boolean {
    return this.#written.get(slot) === written;
  }

  respond(ticket: FakeTicket, line: string): 'delivered' | 'withdrawn' {
    if (this.failure !== undefined) throw this.failure;
    if (!this.isCurrent(ticket)) return 'withdrawn';
    this.#responses.set(ticket.slot, line);
    this.#written.delete(ticket.slot);
    return 'delivered';
  }
}

class FakeTicket implements Ticket {
  readonly requests: FakeVmRequests;
  readonly slot: string;
  readonly written: Written;

  constructor(requests: FakeVmRequests, slot: string, written: Written) {
    this.requests = requests;
    this.slot = slot;
    this.written = written;
  }

  get name(): string {
    return this.slot;
  }

  get arrivalNs(): bigint {
    return this.written.arrivalNs;
  }

  admit(): number {
    this.requests.admit(this);
    return 0;
  }

  isCurrent(): boolean | undefined {
    return this.requests.failure === undefined ? this.requests.isCurrent(this) : undefined;
  }

  respond(line: string): 'delivered' | 'withdrawn' {
    return this.requests.respond(this, line);
  }

  release(): void {
    this.requests.release(this);
  }

  withdraw(): void {
    this.requests.release(this);
    this.requests.notice(this.slot);
  }
}
