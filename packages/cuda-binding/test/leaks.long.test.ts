import { expect, test } from '@jest/globals';

import { describeOnStub, runChild } from './support/stub.js';

const nodeFlags = ['--expose-gc'];
const MIB = 2 ** 20;

interface Usage {
  readonly rss: number;
  readonly threads: number;
}

describeOnStub('nothing is left', () => {
  test('of 10 000 devices', async () => {
    const { lines, contexts } = await runChild<{ early: Usage; late: Usage }>('leaks', {
      args: ['opened devices'],
      nodeFlags,
    });
    const [{ early, late } = { early: undefined, late: undefined }] = lines;
    expect(late?.threads).toBe(early?.threads);
    expect(Number(late?.rss) - Number(early?.rss)).toBeLessThan(16 * MIB);
    expect(contexts).toHaveLength(10_001);
    expect(contexts.filter(({ streams, registrations }) => streams + registrations > 0)).toEqual(
      [],
    );
  });

  test('of a device that can not be opened', async () => {
    const { lines, contexts } = await runChild('leaks', {
      args: ['devices that can not be opened'],
      nodeFlags,
    });
    expect(lines).toEqual(['failed', { isCollected: true }]);
    expect(contexts).toHaveLength(1);
  });

  test('of arrays that are not in use any more', async () => {
    const { contexts } = await runChild('leaks', { args: ['allocated arrays'], nodeFlags });
    expect(contexts).toHaveLength(1);
    expect(contexts[0]?.registrations).toBe(0);
    expect(contexts[0]?.mostRegistrations).toBeGreaterThan(50);
    expect(contexts[0]?.mostRegistrations).toBeLessThan(250);
  });
});

describeOnStub('allocated arrays', () => {
  test('stay while the device uses them', async () => {
    const { status, lines } = await runChild('leaks', { args: ['arrays in use'], nodeFlags });
    expect({ status, lines }).toEqual({ status: 0, lines: [{ isRight: true }] });
  });

  test('stay readable and writable after close()', async () => {
    const { status, lines, contexts } = await runChild('leaks', {
      args: ['arrays after close()'],
      nodeFlags,
    });
    expect(status).toBe(0);
    expect(lines).toEqual([
      { isReadable: true, isWritable: true },
      { error: expect.objectContaining({ code: 'DEVICE_CLOSED' }) as unknown },
    ]);
    expect(contexts.map(({ registrations }) => registrations)).toEqual([0, 0]);
  });
});
