import { expect, it } from '@jest/globals';
import { VgpuClient } from '@vgpu/vm-client';
import { MediatorProcess, until } from '../support/processes.js';
import { FragileRoot, sums } from '../support/world.js';

const BATCHES = 5;
const REQUESTS_PER_BATCH = 1000;
const DROPPED = 'lines of this log were dropped, because they could not be written';
/** More than the mebibyte that may wait and the pipe, less than is logged: 2.5 MB. */
const MAX_KEPT_BYTES = 1.5 * 2 ** 20;

it('a mediator whose log is not read keeps a bounded part of it', async () => {
  const root = new FragileRoot([1]);
  const client = new VgpuClient({ root: root.path, vmId: 1 });
  try {
    const mediator = await MediatorProcess.serving(root, '--log-level', 'debug');
    const { stderr } = mediator.child;
    stderr?.pause();
    for (let batch = 0; batch < BATCHES; batch += 1) await sums(client, REQUESTS_PER_BATCH);
    let bytes = 0;
    stderr?.on('data', (data: Buffer) => (bytes += data.length));
    stderr?.resume();
    // What is logged before the reader has caught up is dropped, too.
    await until(() => {
      mediator.signal('SIGUSR1');
      return mediator.logged(DROPPED).length > 0;
    }, 'the log to go on');
    const dropped = mediator.logged(DROPPED).map(({ lines }) => Number(lines));
    expect(dropped[0]).toBeGreaterThan(REQUESTS_PER_BATCH);
    // What the process no longer holds it has not kept in memory either.
    expect(bytes).toBeLessThan(MAX_KEPT_BYTES);
    expect(await mediator.stop()).toBe(0);
  } finally {
    await client.close();
    root.remove();
  }
});
