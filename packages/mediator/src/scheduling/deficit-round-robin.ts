/** The limits of a turn of {@link DeficitRoundRobin}. */
export interface TurnLimits {
  /** The cost that a flow may cause in a round; each round adds it to the flow's credit, up to one quantum. */
  readonly quantum: number;
  /** A flow's part of a turn ends after this many milliseconds, whatever its cost. */
  readonly flowMs: number;
  /** The cost from which a turn serves no more waiting flows; 0: it serves none of them. */
  readonly turnCost: number;
  /** The age from which a turn serves no more waiting flows, milliseconds. */
  readonly turnMs: number;
  /** The cost from which a turn serves no more flows at all. */
  readonly mostCost: number;
}

/** The work of a flow. */
export interface Service<Flow> {
  readonly hasWork: (flow: Flow) => boolean;
  /** Does the smallest piece of work, and returns its cost: more than 0. */
  readonly step: (flow: Flow) => number;
}

interface Account {
  /** The cost that the flow may still cause in its round; below zero if it has exceeded its quantum. */
  credit: number;
  /** The last round whose quantum has been added. */
  round: number;
}

/**
 * Shares the event loop among flows by their cost: deficit round robin (Shreedhar and Varghese,
 * 1996), with two lists as in FQ-CoDel (RFC 8290): flows with credit, and flows that have used up their
 * quantum.
 *
 * A flow is in one of three states:
 *
 * - *idle*: it has no work. {@link add} makes it *ready*, or *waiting* if it has no credit.
 * - *ready*: it has work and credit. Each turn serves all ready flows until their credit is used up: then
 *   they are *waiting*, or *idle* if no work is left.
 * - *waiting*: it has more work than credit. Turns serve waiting flows in order while the turn's cost and
 *   time last, each once in a round. A round begins when all waiting flows have been served in the last
 *   one, or with a turn if none waits; it adds a quantum to the credit of every flow.
 *
 * So in a round a flow costs at most its quantum and the excess of its last step, which it pays for in
 * the next rounds. A flow without work keeps at most one quantum. The duration of a turn is bounded by
 * the number of ready flows, and by the limits for all other flows, whatever their number.
 */
export class DeficitRoundRobin<Flow extends object> {
  readonly #nowMs: () => number;
  readonly #accounts = new WeakMap<Flow, Account>();
  readonly #ready = new Set<Flow>();
  /** Longest wait first. */
  readonly #waiting = new Set<Flow>();
  #limits: TurnLimits;
  #round = 0;
  #turnCost = 0;
  #turnStartedMs = 0;
  #hasServedWaiting = false;

  /**
   * @param limits Of the first turn.
   * @param nowMs A monotonic clock, in milliseconds.
   */
  constructor(limits: TurnLimits, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Whether a flow is ready or waiting. */
  get hasWork(): boolean {
    return this.#ready.size + this.#waiting.size > 0;
  }

  /** Rounds that have begun so far. */
  get round(): number {
    return this.#round;
  }

  /** A flow has work. */
  add(flow: Flow): void {
    if (this.#waiting.has(flow)) return;
    (this.#creditedAccount(flow).credit > 0 ? this.#ready : this.#waiting).add(flow);
  }

  /** A flow is gone. */
  remove(flow: Flow): void {
    this.#ready.delete(flow);
    this.#waiting.delete(flow);
  }

  clear(): void {
    this.#ready.clear();
    this.#waiting.clear();
  }

  /** A flow has caused a cost outside of its steps. */
  charge(flow: Flow, cost: number): void {
    this.#accountOf(flow).credit -= cost;
    this.#turnCost += cost;
  }

  /**
   * Takes a step for a flow that has work, even without credit: the flow may owe up to a quantum, and pays
   * for it in its next rounds.
   */
  serveAhead(flow: Flow, step: (flow: Flow) => number): void {
    const { credit } = this.#creditedAccount(flow);
    if (credit > -this.#limits.quantum) this.charge(flow, step(flow));
  }

  /** Begins a turn: the limits apply to all calls of {@link serve} until the next turn together. */
  beginTurn(limits: TurnLimits): void {
    this.#limits = limits;
    this.#turnCost = 0;
    this.#turnStartedMs = this.#nowMs();
    this.#hasServedWaiting = false;
    if (this.#waiting.size === 0) this.#round += 1;
  }

  /** Serves the ready flows, then waiting flows while the turn's cost and time last. */
  serve(service: Service<Flow>): void {
    const ready = [...this.#ready];
    for (const flow of ready) {
      if (this.#turnCost >= this.#limits.mostCost) break;
      // A step of another flow may have removed this one.
      if (this.#ready.delete(flow)) this.#serveOne(flow, service);
    }
    while (this.#waiting.size > 0 && !this.#isTurnOver()) this.#serveNextWaiting(service);
  }

  /** Each turn serves at least one waiting flow: so all have their turn, even if their steps are slow. */
  #isTurnOver(): boolean {
    const { turnCost, turnMs } = this.#limits;
    if (turnCost > 0 && !this.#hasServedWaiting) return false;
    return this.#turnCost >= turnCost || this.#nowMs() - this.#turnStartedMs >= turnMs;
  }

  #serveNextWaiting(service: Service<Flow>): void {
    for (const flow of this.#waiting) {
      this.#waiting.delete(flow);
      // Then all flows behind it have been served in this round, too.
      if (this.#accountOf(flow).round === this.#round) this.#round += 1;
      this.#hasServedWaiting = true;
      this.#serveOne(flow, service);
      return;
    }
  }

  #serveOne(flow: Flow, { hasWork, step }: Service<Flow>): void {
    const account = this.#creditedAccount(flow);
    const startedMs = this.#nowMs();
    while (account.credit > 0 && hasWork(flow)) {
      const cost = step(flow);
      account.credit -= cost;
      this.#turnCost += cost;
      if (this.#nowMs() - startedMs >= this.#limits.flowMs) break;
    }
    // A step may have added it again.
    this.#ready.delete(flow);
    this.#waiting.delete(flow);
    if (hasWork(flow)) this.#waiting.add(flow);
  }

  #accountOf(flow: Flow): Account {
    let account = this.#accounts.get(flow);
    if (account === undefined) {
      account = { credit: this.#limits.quantum, round: this.#round };
      this.#accounts.set(flow, account);
    }
    return account;
  }

  /** Adds the quanta of the rounds that have begun since the last call. */
  #creditedAccount(flow: Flow): Account {
    const account = this.#accountOf(flow);
    const { quantum } = this.#limits;
    const rounds = this.#round - account.round;
    account.credit = Math.min(quantum, account.credit + quantum * rounds);
    account.round = this.#round;
    return account;
  }
}
