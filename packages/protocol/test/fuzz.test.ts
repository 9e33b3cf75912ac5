/** A coverage-guided fuzzer on the codecs, as they are built. */
import { describe, expect, it } from '@jest/globals';
import { amount } from '../../../tests/support/amount.js';
import { fuzzRun, replay } from '../../../tests/support/random.js';
import { fuzz, growth, type Campaign } from './fuzz/fuzzer.js';
import { loadInstrumented } from './fuzz/instrumented.js';
import { targetsIn } from './fuzz/targets.js';

const RUN = fuzzRun(amount(60_000, 1_050_000));

const { protocol, counters } = await loadInstrumented();

describe.each(targetsIn(protocol))('a $name', (target) => {
  let campaign: Campaign | undefined;

  it('is accepted or refused as the specification says', () => {
    const inputs = Math.ceil((RUN.inputs * target.percent) / 100);
    campaign = fuzz(target, counters, { ...RUN, inputs });
    const { corpus, reached } = campaign;
    // eslint-disable-next-line no-console -- to replay
    console.log(
      `${target.name}: ${inputs} inputs, ${corpus.length} in the corpus, ` +
        `${reached} of ${counters.length} counters reached; ${replay(RUN)}`,
    );
    // Otherwise the guidance would not have worked.
    expect(corpus.length).toBeGreaterThan(3);
  });

  it('costs at most about twice the steps if a part of it is twice as long', () => {
    const corpus = campaign?.corpus ?? [];
    expect(corpus).not.toHaveLength(0);
    for (const [index, text] of corpus.entries()) {
      const { factor, example } = growth(target, counters, text, RUN.seed + index);
      if (factor > 2.5) throw new Error(`${factor} times as many: ${example}; ${replay(RUN)}`);
    }
  });
});
