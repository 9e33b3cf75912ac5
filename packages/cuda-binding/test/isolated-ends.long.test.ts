import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, test } from '@jest/globals';

import { describeOnStub, runChild, type Ended } from './support/stub.js';

/** The processes of devices, which none of these tests may leave behind. */
let processes: number[] = [];

/** Ended, if perhaps not yet reaped by its new parent. */
function hasEnded(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return true;
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(' Z ');
  } catch {
    return true;
  }
}

afterEach(async () => {
  const left = processes;
  processes = [];
  // `runChild` waits until stderr is closed, which is a moment before a process has ended.
  for (let i = 0; i < 30_000 && !left.every(hasEnded); i++) await sleep(10);
  expect(left.filter((pid) => !hasEnded(pid))).toEqual([]);
});

/** Records the process of the device; calls `then` when the child is in the state. */
async function run(
  args: readonly string[],
  then: (pid: number) => void = () => undefined,
): Promise<Ended<unknown>> {
  const ended = await runChild('isolated-ends', {
    args,
    // The many calls that keep it busy are short, so that responses come while it ends.
    stub: { KERNEL_US: args[0] === 'busy' ? 0 : 2000 },
    onLine: (line, pid) => {
      const devicePid = (line as { readonly pid?: number } | null)?.pid;
      if (devicePid === undefined) return;
      processes.push(devicePid);
      then(pid);
    },
  });
  expect(processes).toHaveLength(1);
  return ended;
}

const line = { pid: expect.any(Number) as unknown };

describeOnStub('a process that has a device in another process', () => {
  test.each(['idle', 'busy', 'long', 'closing'])('ends by itself: %s', async (state) => {
    const { status, signal, stderr, lines } = await run([state, 'returns']);
    expect({ status, signal, stderr, lines }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
      lines: [line],
    });
  });

  test.each([
    'idle',
    'busy',
    'long',
    'closing',
    'hanging',
    'closing while it hangs',
    'starting',
    'opening',
  ])('ends by process.exit(): %s', async (state) => {
    const { status, signal, stderr, lines } = await run([state, 'exits']);
    expect({ status, signal, stderr, lines }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
      lines: [line],
    });
  });

  test.each(['idle', 'busy', 'hanging'])('ends by an exception: %s', async (state) => {
    const { status, stderr, lines } = await run([state, 'throws']);
    expect({ status, lines }).toEqual({ status: 1, lines: [line] });
    // No other process prints anything.
    expect(stderr.match(/^\w*Error: .*/gm)).toEqual(['Error: on purpose']);
  });

  test.each(['idle', 'busy', 'long', 'hanging', 'closing while it hangs', 'starting', 'opening'])(
    'is killed: %s',
    async (state) => {
      const { signal, stderr } = await run([state, 'is ended'], (pid) => {
        process.kill(pid, 'SIGKILL');
      });
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
    },
  );

  test.each(['idle', 'busy', 'long', 'hanging'])('ends its worker: %s', async (state) => {
    const { status, signal, stderr, lines } = await run([state, 'is ended', 'worker']);
    expect({ status, signal, stderr, lines }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
      lines: [line],
    });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'is told by %s, and others are not',
    async (name) => {
      const { status, signal, stderr, lines } = await runChild('isolated-ends', {
        args: ['idle', 'is interrupted', name],
        onLine: (line, pid) => {
          // To both of them.
          if (line === 'may be interrupted') process.kill(-pid, name);
        },
      });
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
      expect(lines).toEqual([line, 'may be interrupted', { value: 3 }]);
    },
  );
});
