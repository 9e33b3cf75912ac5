import { renameSync } from 'node:fs';
import { runMediator, TestRoot } from './processes.js';
import { Canary, faultsIn, fill, tornIn, type Scenario } from './spool-scenarios.js';

/** A scenario in a root of its own, played once. */
export interface Trial {
  readonly scenario: Scenario;
  readonly root: TestRoot;
  readonly firstVm: number;
}

/**
 * What many trials have left, each in VM directories of its own, and a mediator that goes on there
 * undisturbed. One does for all: a VM directory does not know in which root it is, and a process for
 * each would take most of the time.
 */
export class Aftermath {
  readonly #root = new TestRoot([]);
  readonly #canary = new Canary(this.#root.base);
  readonly #left: { readonly trial: Trial; readonly label: string }[] = [];
  #nextVm = 1;
  readonly #faults: string[] = [];
  readonly #flags: readonly string[];

  /** @param flags For the mediator that goes on. */
  constructor(flags: readonly string[]) {
    this.#flags = flags;
  }

  /** Makes a trial's root, as its VMs leave it. */
  prepare(scenario: Scenario): Trial {
    const trial = { scenario, root: new TestRoot([]), firstVm: this.#nextVm };
    this.#nextVm += scenario.shares.length;
    for (const [index, share] of scenario.shares.entries()) {
      const vm = trial.firstVm + index;
      fill(trial.root.in(vm), vm, share, this.#canary);
    }
    return trial;
  }

  get faults(): readonly string[] {
    return this.#faults;
  }

  note(label: string, faults: readonly string[]): void {
    this.#faults.push(...faults.map((fault) => `${label}: ${fault}`));
  }

  /** What is wrong in a trial that has to be over. */
  unserved({ scenario, root, firstVm }: Trial): string[] {
    return scenario.shares.flatMap((share, index) => faultsIn(root.in(firstVm + index), share));
  }

  /** Takes over what a disturbed mediator has left. */
  take(trial: Trial, label: string): void {
    const { scenario, root, firstVm } = trial;
    for (const [index, share] of scenario.shares.entries()) {
      const vm = firstVm + index;
      this.note(label, tornIn(root.in(vm), vm, share));
      renameSync(root.in(vm), this.#root.in(vm));
    }
    if (!this.#canary.isUntouched) this.note(label, ['the canary was touched']);
    this.#left.push({ trial, label });
    root.remove();
  }

  /** Serves the rest; gives all that was wrong before and is wrong then. */
  async settle(): Promise<readonly string[]> {
    const { status, stderr } = await runMediator('--root', this.#root.path, ...this.#flags);
    if (status !== 0) this.note('the mediator after all', [`status ${status}: ${stderr}`]);
    for (const { trial, label } of this.#left) {
      this.note(label, this.unserved({ ...trial, root: this.#root }));
    }
    if (!this.#canary.isUntouched) this.note('the mediator after all', ['the canary was touched']);
    return this.#faults;
  }

  remove(): void {
    this.#root.remove();
  }
}
