/** What bounds a turn of {@link DeficitRoundRobin}. */
export interface TurnLimits {
  /** What a flow may cost in a round: as much is added to its credit, up to one quantum. */
  readonly quantum: number;
  /** A flow's part of a turn ends after so many milliseconds, whatever it has cost. */
  readonly flowMs: number;
  /** What a turn may cost before it serves no more of those that wait; 0: it serves none of them. */
  readonly turnCost: number;
  /** How old a turn may be before that, milliseconds. */
  readonly turnMs: number;
  /** What a turn may cost before it serves no more of any. */
  readonly mostCost: number;
}

/** What can be done for a flow. */
export interface Service<Flow> {
  readonly hasWork: (flow: Flow) => boolean;
  /** Does the least that can be done, and returns what that cost: more than 0. */
  readonly step: (flow: Flow) => number;
}

interface Account {
  /** What the flow may still cost in its round; what it has cost beyond that is below zero. */
  credit: number;
  /** The last round of which the quantum has been added. */
  round: number;
}

/**
 * Shares the event loop among flows by what they cost: deficit round robin (Shreedhar and Varghese,
 * 1996), with two lists as in FQ-CoDel (RFC 8290): flows with credit, and flows that have used up their
 * quantum.
 *
 * A flow is in one of three states:
 *
 * - *idle*: it has nothing to do. It becomes *ready* by {@link add}, or *waiting* without credit.
 * - *ready*: it has something to do, and credit. Each turn serves all of them, until their credit is used
 *   up: then they are *waiting*, or *idle* if nothing is left to do.
 * - *waiting*: it has more to do than its credit allows. Turns serve them in order for as long as their
 *   cost and time last, each once in a round. A round begins when all that wait have been served in the
 *   last one, or with a turn when none waits; it adds a quantum to the credit of every flow.
 *
 * So a flow costs in a round at most its quantum and what its last step costs beyond it, which it pays
 * for in the next rounds. A flow without work keeps no more than one quantum. The time that a turn takes
 * is bounded by the flows that are ready, and by the limits for all others, however many they are.
 */
export class DeficitRoundRobin<Flow extends object> {
  readonly #nowMs: () => number;
  readonly #accounts = new WeakMap<Flow, Account>();
  readonly #ready = new Set<Flow>();
  /** The one that has waited longest first. */
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

  /** A flow has something to do. */
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
   * Takes a step for a flow that has work, also on credit: it may owe a quantum, and pays for it in its
   * next rounds.
   */
  serveAhead(flow: Flow, step: (flow: Flow) => number): void {
    const { credit } = this.#creditedAccount(flow);
    if (credit > -this.#limits.quantum) this.charge(flow, step(flow));
  }

  /** Begins a turn: what {@link serve} does until the next one is bounded together. */
  beginTurn(limits: TurnLimits): void {
    this.#limits = limits;
    this.#turnCost = 0;
    this.#turnStartedMs = this.#nowMs();
    this.#hasServedWaiting = false;
    if (this.#waiting.size === 0) this.#round += 1;
  }

  /** Serves the flows that are ready, and those that wait while the turn's cost and time last. */
  serve(service: Service<Flow>): void {
    const ready = [...this.#ready];
    for (const flow of ready) {
      if (this.#turnCost >= this.#limits.mostCost) break;
      // What became of another flow in its steps may have removed this one.
      if (this.#ready.delete(flow)) this.#serveOne(flow, service);
    }
    while (this.#waiting.size > 0 && !this.#isTurnOver()) this.#serveNextWaiting(service);
  }

  /** In each turn one at least is served: however slow its steps are, all have their turn. */
  #isTurnOver(): boolean {
    const { turnCost, turnMs } = this.#limits;
    if (turnCost > 0 && !this.#hasServedWaiting) return false;
    return this.#turnCost >= turnCost || this.#nowMs() - this.#turnStartedMs >= turnMs;
  }

  #serveNextWaiting(service: Service<Flow>): void {
    for (const flow of this.#waiting) {
      this.#waiting.delete(flow);
      // All behind it have been served in this round, too.
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

  /** Adds the quanta of the rounds that have begun since the last time. */
  #creditedAccount(flow: Flow): Account {
    const account = this.#accountOf(flow);
    const { quantum } = this.#limits;
    const rounds = this.#round - account.round;
    account.credit = Math.min(quantum, account.credit + quantum * rounds);
    account.round = this.#round;
    return account;
  }
}
