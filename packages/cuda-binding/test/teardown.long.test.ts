import { beforeAll, expect, test } from '@jest/globals';

import { describeOnStub, runChild, type Ended } from './support/stub.js';

const states = [
  'loaded',
  'idle',
  'closed',
  'scalar',
  'pinned',
  'short',
  'long',
  'closing',
  'opening',
  'allocating',
  'replying',
];

/** Long enough for calls to be in flight when the thread ends. */
const stub = { KERNEL_US: 20_000 };

async function expectEnd(
  args: readonly string[],
  expected: Readonly<Record<'status' | 'stderr' | 'lines', unknown>>,
): Promise<void> {
  const { status, signal, stderr, lines } = await runChild('teardown', { args, stub });
  expect({ status, signal, stderr, lines }).toEqual({ ...expected, signal: null });
}

describeOnStub('the process ends in the middle of something', () => {
  const clean = { status: 0, stderr: '', lines: ['reached'] };

  test.each(states)('by itself: %s', async (state) => {
    await expectEnd([state, 'returns'], clean);
  });

  test.each(states)('by process.exit(): %s', async (state) => {
    await expectEnd([state, 'exits'], clean);
  });

  test.each(states)('by an exception: %s', async (state) => {
    // Complaints of the stub would begin with `stub:`.
    const stderr = expect.stringMatching(/^(?!.*^stub:).*Error: on purpose/ms);
    await expectEnd([state, 'throws'], { ...clean, status: 1, stderr });
  });
});

describeOnStub('a worker ends in the middle of something', () => {
  const clean = { status: 0, stderr: '', lines: ['reached', 'worker ended'] };

  test.each(states)('by itself: %s', async (state) => {
    await expectEnd([state, 'returns', 'worker'], clean);
  });

  test.each(states)('by process.exit(): %s', async (state) => {
    await expectEnd([state, 'exits', 'worker'], clean);
  });

  test.each(states)('by an exception: %s', async (state) => {
    const lines = ['reached', 'on purpose', 'worker ended'];
    await expectEnd([state, 'throws', 'worker'], { ...clean, lines });
  });

  test.each(states)('by terminate(): %s', async (state) => {
    await expectEnd([state, 'is terminated', 'worker'], clean);
  });
});

describeOnStub('with a kernel that hangs', () => {
  const rows: readonly [state: string, thread: string, ...lines: string[]][] = [
    ...['scalar', 'pinned', 'short', 'long', 'closing'].map((state): [string, string, string] => [
      state,
      'main',
      'reached',
    ]),
    ...['scalar', 'pinned', 'long'].map((state): [string, string, string, string] => [
      state,
      'worker',
      'reached',
      'worker ended',
    ]),
  ];
  // All at once: they spend their time waiting.
  const ended = new Map<string, Ended<unknown>>();
  beforeAll(async () => {
    await Promise.all(
      rows.map(async ([state, thread]) => {
        const end = await runChild('teardown', { args: [state, 'hangs', thread] });
        ended.set(`${state} ${thread}`, end);
      }),
    );
  });

  test.each(rows)(
    'the process ends all the same: %s, on the %s thread',
    (state, thread, ...lines) => {
      const expected = { status: 0, signal: null, stderr: '', lines };
      expect(ended.get(`${state} ${thread}`)).toMatchObject(expected);
    },
  );
});
