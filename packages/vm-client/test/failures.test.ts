import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Change } from '../src/changes.js';
import { Channel } from '../src/channel.js';
import { VgpuClient } from '../src/index.js';
import { LocalShare } from '../src/local-share.js';
import type { Share } from '../src/share.js';
import { FakeMediator, neverAnswer, putAnswer } from './fake-mediator.js';
import { errnoError, failingFirst, faulty } from './faulty-share.js';

const failing = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

let mediator: FakeMediator;
let client: VgpuClient;

beforeEach(() => {
  mediator = new FakeMediator();
});
afterEach(async () => {
  await client.close();
  expect(mediator.files()).toEqual([]);
  mediator.close();
});

function connect(replace: (share: Share) => Partial<Share>, timeoutMs = 20_000): void {
  client = new VgpuClient({ root: mediator.root, vmId: 1, timeoutMs }, faulty(replace));
}

/** Unknown to Node by name: how an NFS client's ESTALE arrives. */
const stale = Object.assign(new Error('Unknown system error -116'), {
  errno: -116,
  code: 'Unknown system error -116',
});

describe('while it waits', () => {
  const reading = (...errors: Error[]) => {
    connect((real) => ({ read: failingFirst(errors, (name: string) => real.read(name)) }));
  };

  test.each([
    ['ENOENT', [errnoError('ENOENT'), errnoError('ENOENT'), errnoError('ENOENT')]],
    ['ESTALE', [stale, errnoError('ESTALE'), stale]],
    ['one EIO', [errnoError('EIO')]],
    ['one EIO among others', [stale, errnoError('EIO'), errnoError('ENOENT')]],
  ])('%s is put up with', async (_what, errors) => {
    reading(...errors);
    expect(await client.add(1, 2)).toBe(3);
  });

  test.each([
    ['a second EIO', 'SHARE_UNAVAILABLE', [errnoError('EIO'), stale, errnoError('EIO')]],
    ['EACCES', 'NO_PERMISSION', [errnoError('EACCES')]],
    ['ELOOP', 'BAD_RESPONSE', [errnoError('ELOOP')]],
  ])('%s is %s, and the request is withdrawn', async (_what, code, errors) => {
    mediator.behaviour = neverAnswer;
    reading(...errors);
    await expect(client.add(1, 2)).rejects.toEqual(failing(code, { cause: errors.at(-1) }));
  });

  test('each wait may have its EIO', async () => {
    reading(errnoError('EIO'));
    expect(await client.add(1, 2)).toBe(3);
    expect(await client.add(3, 4)).toBe(7);
  });
});

describe('while it sends', () => {
  const steps = {
    'creating the response': (_real: Share, error: Error): Partial<Share> => ({
      clearAnswer: () => {
        throw error;
      },
    }),
    'writing the request': (real: Share, error: Error): Partial<Share> => ({
      create: (name) => {
        // As a full disk does it: the file is there, its text is not.
        return Promise.resolve(real.create(name, '')).then(() => {
          throw error;
        });
      },
    }),
    'putting it in place': (_real: Share, error: Error): Partial<Share> => ({
      rename: () => {
        throw error;
      },
    }),
    'putting it in place, reported as failed though it was done': (
      real: Share,
      error: Error,
    ): Partial<Share> => ({
      rename: async (from, to) => {
        await real.rename(from, to);
        throw error;
      },
    }),
  };

  describe.each(Object.entries(steps))('%s', (_step, replace) => {
    test.each([
      ['ENOSPC', 'CANNOT_CREATE'],
      ['EDQUOT', 'CANNOT_CREATE'],
      ['EROFS', 'CANNOT_CREATE'],
      ['EINVAL', 'CANNOT_CREATE'],
      ['EACCES', 'NO_PERMISSION'],
      ['EPERM', 'NO_PERMISSION'],
      ['ENOENT', 'SHARE_UNAVAILABLE'],
      ['EIO', 'SHARE_UNAVAILABLE'],
    ] as const)('%s is %s, and leaves nothing behind', async (name, code) => {
      mediator.behaviour = neverAnswer;
      const cause = errnoError(name);
      connect((real) => replace(real, cause));
      await expect(client.add(1, 2)).rejects.toEqual(failing(code, { cause }));
    });
  });
});

describe('an answer in the last moment', () => {
  /** A mediator that answers between the decision to withdraw and the withdrawal. */
  const answeredJustBefore = (text: string) => (real: Share) => ({
    remove: (name: string) => {
      if (name.startsWith('request')) {
        putAnswer(mediator.path(name.replace('request', 'response')), text);
        fs.rmSync(mediator.path(name));
      }
      return real.remove(name);
    },
  });

  beforeEach(() => {
    mediator.behaviour = neverAnswer;
  });

  test('counts where the time was over', async () => {
    connect(answeredJustBefore('3\n'), 30);
    expect(await client.add(1, 2)).toBe(3);
  });

  test('counts where it is a rejection', async () => {
    connect(answeredJustBefore('ERROR:DEADLINE:too slow\n'), 30);
    await expect(client.add(1, 2)).rejects.toEqual(failing('DEADLINE'));
  });

  test('does not count where it is not whole', async () => {
    connect(answeredJustBefore('3'), 30);
    await expect(client.add(1, 2)).rejects.toEqual(failing('TIMEOUT'));
  });

  test('does not count for who aborted', async () => {
    connect(answeredJustBefore('3\n'));
    const controller = new AbortController();
    const call = client.add(1, 2, { signal: controller.signal });
    await mediator.sawRequests();
    controller.abort();
    await expect(call).rejects.toEqual(failing('ABORTED'));
  });

  test('does not count where the request was still there', async () => {
    connect(
      (real) => ({
        remove: (name) => {
          if (name.startsWith('request')) {
            putAnswer(mediator.path(name.replace('request', 'response')), '3\n');
          }
          return real.remove(name);
        },
      }),
      30,
    );
    await expect(client.add(1, 2)).rejects.toEqual(failing('TIMEOUT'));
  });
});

describe('what fails while it clears up', () => {
  test('does not hide the answer', async () => {
    connect((real) => ({
      remove: async (name) => {
        await real.remove(name);
        throw errnoError('EIO');
      },
    }));
    expect(await client.add(1, 2)).toBe(3);
  });

  test('does not hide why the call failed', async () => {
    mediator.behaviour = neverAnswer;
    connect(
      (real) => ({
        remove: async (name) => {
          await real.remove(name);
          throw errnoError('EIO');
        },
      }),
      30,
    );
    await expect(client.add(1, 2)).rejects.toEqual(failing('TIMEOUT'));
  });
});

test('a call that is aborted does not wait for a change', async () => {
  mediator.behaviour = neverAnswer;
  const never = (): Change => {
    let stop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    return { happened: () => stopped, stop };
  };
  const changes = { of: never, close: () => undefined };
  client = new VgpuClient({ root: mediator.root, vmId: 1 }, (directory) =>
    Promise.resolve(new Channel(new LocalShare(directory), changes)),
  );
  const controller = new AbortController();
  const call = client.add(1, 2, { signal: controller.signal });
  await mediator.sawRequests();
  controller.abort();
  await expect(call).rejects.toEqual(failing('ABORTED', { message: 'the call was aborted' }));
});

describe('a share that hangs', () => {
  /** What hangs, until the test lets it go on: then the files are cleared up after all. */
  function hanging(operation: 'create' | 'read' | 'rename') {
    let goOn: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    connect(
      (real) => ({
        [operation]: async (...args: [string, string]) => {
          await until;
          return real[operation](...args);
        },
      }),
      50,
    );
    return goOn;
  }

  test.each(['create', 'read', 'rename'] as const)('in %s does not hang the call', async (step) => {
    mediator.behaviour = neverAnswer;
    const goOn = hanging(step);
    await expect(client.add(1, 2)).rejects.toEqual(
      failing('TIMEOUT', { message: expect.stringContaining('does not respond') }),
    );
    goOn();
    while (mediator.files().length > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('gets no request that nobody waits for when it goes on', async () => {
    const rename = jest.fn<() => void>();
    let goOn: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const create = async (real: Share, name: string, text: string) => {
      await until;
      await real.create(name, text);
    };
    connect((real) => ({ create: (name, text) => create(real, name, text), rename }), 50);
    await expect(client.add(1, 2)).rejects.toEqual(failing('TIMEOUT'));
    goOn();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(rename).not.toHaveBeenCalled();
  });

  test('does not hang the closing of the client', async () => {
    mediator.behaviour = neverAnswer;
    const goOn = hanging('read');
    const call = client.add(1, 2, { timeoutMs: 20_000 }).catch((error: unknown) => error);
    await mediator.sawRequests();
    await client.close();
    expect(await call).toEqual(failing('CLOSED'));
    goOn();
    while (mediator.files().length > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('does not hang a call that ends for two reasons, and the first one counts', async () => {
    mediator.behaviour = neverAnswer;
    const goOn = hanging('read');
    const call = client.add(1, 2).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.close();
    expect(await call).toEqual(failing('TIMEOUT'));
    goOn();
    while (mediator.files().length > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('while it is opened does not hang the call or the closing', async () => {
    const never = () => new Promise<never>(() => undefined);
    client = new VgpuClient({ root: mediator.root, vmId: 1, timeoutMs: 50 }, never);
    await expect(client.add(1, 2)).rejects.toEqual(failing('TIMEOUT'));
    await client.close();
  });
});
