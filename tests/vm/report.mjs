// Runs checks one after the other, and counts.

export class Report {
  passed = 0;
  failed = 0;
  /** Figures for the reader, which decide nothing. @type {string[]} */
  notes = [];

  /**
   * Runs a check. One that fails is reported, and the next ones still run.
   *
   * @param {string} name what holds if it passes
   * @param {() => unknown} check
   */
  async check(name, check) {
    const start = performance.now();
    try {
      await check();
      this.passed += 1;
      console.log(`  ok    ${name} (${seconds(start)})`);
    } catch (error) {
      this.failed += 1;
      console.log(`  FAIL  ${name} (${seconds(start)})`);
      console.log(String(error instanceof Error ? error.stack : error).replace(/^/gm, '        '));
    }
  }

  note(/** @type {string} */ text) {
    this.notes.push(text);
    console.log(`  note  ${text}`);
  }

  /** @param {string} title @param {() => Promise<void>} run */
  async scenario(title, run) {
    console.log(`\n${title}`);
    await run();
  }
}

const seconds = (/** @type {number} */ start) =>
  `${((performance.now() - start) / 1000).toFixed(1)} s`;
