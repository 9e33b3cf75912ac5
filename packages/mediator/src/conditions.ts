/** Lets callers wait for conditions that only their owner knows when to look at. */
export class Conditions {
  readonly #looks = new Set<() => boolean>();

  /** Resolves when a condition holds: now, or when {@link look} finds it so. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#looks.add(() => {
        const holds = condition();
        if (holds) resolve();
        return holds;
      });
      this.look();
    });
  }

  /** To be called when a condition may have come to hold. */
  look(): void {
    for (const holds of this.#looks) {
      if (holds()) this.#looks.delete(holds);
    }
  }
}
