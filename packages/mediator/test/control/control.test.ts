/** The control socket: who may speak to it, and what becomes of what they say. */
import * as fs from 'node:fs';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { ask } from '../../src/control/control-client.js';
import { ControlServer, type ControlHandlers } from '../../src/control/control-server.js';
import { DrainResult, ReloadResult } from '../../src/control/messages.js';
import { readLine } from '../../src/control/read-line.js';
import { reloadMediator } from '../../src/control/reload-mediator.js';
import { controlSocketOf } from '../../src/control/socket-path.js';
import { StatusResult } from '../../src/control/status-result.js';
import { InstanceLock } from '../../src/state/instance-lock.js';
import { MediatorError } from '../../src/mediator-error.js';
import type { MediatorSnapshot } from '../../src/telemetry/snapshot.js';
import { openBelow, temporaryDirectory } from '../support/temporary-directory.js';

const SNAPSHOT: MediatorSnapshot = {
  version: '1.2.3',
  uptimeMs: 1.5,
  root: '/var/vgpu',
  stateDir: '/var/vgpu-state',
  phase: 'serving',
  isRootReadable: true,
  queue: {
    queued: 1,
    depths: [{ pool: 'A', priority: 2, queued: 1 }],
    oldest: [{ priority: 2, ageMs: 3 }],
  },
  devices: [
    {
      executor: 0,
      device: 3,
      backend: 'cpu',
      name: 'CPU',
      state: 'busy',
      busyMs: 1,
      jobs: 1,
      faults: 0,
    },
  ],
  pools: [{ pool: 'A', devices: [3], isServed: true }],
  totals: { requests: 0, answered: 0, errors: 0, withdrawn: 0, claimsOverridden: 0, deviceMs: 0 },
  vms: [],
};

let stateDir: string;
let servers: ControlServer[];
let sockets: Socket[];
const reload = jest.fn<ControlHandlers['reload']>();
const drain = jest.fn<ControlHandlers['drain']>();

beforeEach(() => {
  stateDir = join(temporaryDirectory(), 'state');
  fs.mkdirSync(stateDir);
  servers = [];
  sockets = [];
  reload.mockReset().mockReturnValue({ registered: 3 });
  drain.mockReset().mockResolvedValue({ left: 0 });
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  expect(openBelow(stateDir)).toEqual([]);
  expect(fs.existsSync(controlSocketOf(stateDir))).toBe(false);
});

async function listen(handlers: Partial<ControlHandlers> = {}): Promise<ControlServer> {
  const server = new ControlServer(stateDir, {
    reload,
    drain,
    status: () => SNAPSHOT,
    ...handlers,
  });
  servers.push(server);
  await server.listen();
  return server;
}

async function connect(): Promise<Socket> {
  const socket = createConnection(controlSocketOf(stateDir));
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** What comes back for a line; undefined if the connection is closed without a word. */
async function say(text: string | Buffer): Promise<unknown> {
  const socket = await connect();
  socket.write(text);
  return readLine(socket, 1e6, 10_000).then(
    (line) => JSON.parse(line) as unknown,
    () => undefined,
  );
}

const codeOf = (error: unknown) => (error as MediatorError).code;
const reloadOnce = () => ask(stateDir, { command: 'reload' }, ReloadResult);

describe('the control socket', () => {
  test('answers what it is asked', async () => {
    await listen();
    expect(await reloadOnce()).toEqual({ registered: 3 });
    expect(await reloadMediator(stateDir)).toBe(true);
    expect(reload).toHaveBeenCalledTimes(2);
    expect(await ask(stateDir, { command: 'status' }, StatusResult)).toEqual({
      pid: process.pid,
      ...SNAPSHOT,
    });
    expect(await ask(stateDir, { command: 'drain', wait: true }, DrainResult)).toEqual({ left: 0 });
    expect(drain.mock.calls).toEqual([[true]]);
  });

  test('is for its owner only, whatever the umask is, and gone when it is closed', async () => {
    const umask = process.umask(0);
    const server = await listen();
    expect(process.umask(umask)).toBe(0);
    const { mode } = fs.statSync(controlSocketOf(stateDir));
    expect((mode & 0o7777).toString(8)).toBe('600');
    server.close();
    expect(fs.existsSync(controlSocketOf(stateDir))).toBe(false);
    expect(await reloadMediator(stateDir)).toBe(false);
  });

  test('has no limit for the length of its path', async () => {
    const short = stateDir;
    stateDir = join(stateDir, 'x'.repeat(200));
    fs.mkdirSync(stateDir);
    await listen();
    expect(await reloadOnce()).toEqual({ registered: 3 });
    servers.pop()?.close();
    expect(openBelow(short)).toEqual([]);
    stateDir = short;
  });

  test('takes the place of one that a mediator has left which was killed', async () => {
    const left = createServer().listen(join(stateDir, 'other'));
    await once(left, 'listening');
    fs.linkSync(join(stateDir, 'other'), controlSocketOf(stateDir));
    left.close();
    expect(fs.existsSync(controlSocketOf(stateDir))).toBe(true);
    expect(await reloadMediator(stateDir)).toBe(false);
    await listen();
    expect(await reloadMediator(stateDir)).toBe(true);
  });

  test.each([
    ['no JSON', 'reload\n'],
    ['another version', '{"version":2,"command":"reload"}\n'],
    ['no version', '{"command":"reload"}\n'],
    ['an unknown command', '{"version":1,"command":"stop"}\n'],
    ['an unknown key', '{"version":1,"command":"reload","force":true}\n'],
    ['a drain that does not say whether to wait', '{"version":1,"command":"drain"}\n'],
    ['a key twice', '{"version":1,"command":"drain","wait":true,"command":"reload"}\n'],
    ['null', 'null\n'],
    ['bytes that are no text', Buffer.from([0xff, 0x00, 0x0a])],
  ])('refuses %s, and goes on', async (_what, line) => {
    await listen();
    expect(await say(line)).toMatchObject({ version: 1, ok: false, code: 'UNSUPPORTED' });
    expect(reload).not.toHaveBeenCalled();
    expect(await reloadOnce()).toEqual({ registered: 3 });
  });

  test('property: runs valid commands, refuses other input, and continues', async () => {
    await listen();
    const valid = ['{"version":1,"command":"reload"}', '{"version":1,"command":"status"}'];
    const line = fc.oneof(
      fc.constantFrom(...valid),
      fc.json(),
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '')),
      fc
        .record({ version: fc.constantFrom(1, 2, '1'), command: fc.string() })
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(line, async (text) => {
        const response = (await say(`${text}\n`)) as { ok: boolean; code?: string };
        expect(response.ok).toBe(valid.includes(text));
        if (!response.ok) expect(response.code).toBe('UNSUPPORTED');
      }),
      { numRuns: 200 },
    );
  });

  test('closes the connection of a client that sends too much, or nothing', async () => {
    await listen();
    expect(await say('x'.repeat(5000))).toBeUndefined();
    const silent = await connect();
    silent.end();
    await once(silent, 'close');
    // A client in the middle of a line delays no other client.
    (await connect()).write('{"version":1,');
    expect(await reloadOnce()).toEqual({ registered: 3 });
  });

  test('accepts a line in parts, and runs the first one only', async () => {
    await listen();
    const socket = await connect();
    for (const part of [
      '{"versi',
      'on":1,"comma',
      'nd":"reload"}\n{"version":1,"command":"reload"}\n',
    ]) {
      socket.write(part);
      await new Promise(setImmediate);
    }
    expect(JSON.parse(await readLine(socket, 1e6, 10_000))).toMatchObject({ ok: true });
    expect(reload).toHaveBeenCalledTimes(1);
  });

  test('says what went wrong', async () => {
    await listen();
    reload.mockImplementationOnce(() => {
      throw new MediatorError('INVALID_REGISTRY', 'the registry is invalid: so it is');
    });
    await expect(reloadOnce()).rejects.toMatchObject({
      code: 'INVALID_REGISTRY',
      message: 'the registry is invalid: so it is',
    });
    reload.mockImplementationOnce(() => {
      throw new Error('something else');
    });
    await expect(reloadOnce()).rejects.toMatchObject({
      code: 'NO_RESPONSE',
      message: expect.stringContaining('something else'),
    });
  });

  test('answers others while a drain waits', async () => {
    let finish: (result: DrainResult) => void = () => undefined;
    drain.mockReturnValue(
      new Promise((resolve) => {
        finish = resolve;
      }),
    );
    await listen();
    const drained = ask(stateDir, { command: 'drain', wait: true }, DrainResult);
    await new Promise(setImmediate);
    // Others are answered meanwhile.
    expect(await reloadOnce()).toEqual({ registered: 3 });
    finish({ left: 2 });
    expect(await drained).toEqual({ left: 2 });
  });
});

describe('a command', () => {
  /** A server in the place of the mediator, with its own handler of connections. */
  async function pretend(serve: (socket: Socket) => void): Promise<() => void> {
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      serve(socket);
    }).listen(controlSocketOf(stateDir));
    await once(server, 'listening');
    return () => server.close();
  }

  const answers = (text: string) => (socket: Socket) => {
    socket.once('data', () => socket.write(text));
  };

  test.each([
    ['no JSON', 'yes\n'],
    ['another version', '{"version":2,"ok":true,"result":{"registered":1}}\n'],
    ['a result of another kind', '{"version":1,"ok":true,"result":{"registered":"many"}}\n'],
    ['no result', '{"version":1,"ok":true}\n'],
    ['an unknown refusal', '{"version":1,"ok":false,"code":"NO","message":"no"}\n'],
  ])('does not take %s for an answer', async (_what, line) => {
    const close = await pretend(answers(line));
    expect(codeOf(await reloadOnce().catch((error: unknown) => error))).toBe('NO_RESPONSE');
    close();
  });

  test('does not wait without a limit, nor for a server that hangs up', async () => {
    const close = await pretend((socket) => {
      if (sockets.length > 1) socket.destroy();
    });
    const silent = ask(stateDir, { command: 'reload' }, z.unknown(), { limitMs: 20 });
    await expect(silent).rejects.toMatchObject({
      code: 'NO_RESPONSE',
      message: expect.stringContaining('20 ms'),
    });
    await expect(reloadOnce()).rejects.toMatchObject({ code: 'NO_RESPONSE' });
    close();
  });

  test('refuses an answer without end', async () => {
    const close = await pretend((socket) => {
      socket.resume();
      const more = () => {
        while (socket.writable && socket.write(Buffer.alloc(2 ** 20, 0x20)));
      };
      socket.on('drain', more);
      more();
    });
    await expect(reloadOnce()).rejects.toMatchObject({
      code: 'NO_RESPONSE',
      message: expect.stringContaining('sent more than'),
    });
    close();
  });

  test('waits for a mediator that holds the lock, and is about to listen', async () => {
    const lock = new InstanceLock(stateDir);
    lock.acquire();
    const reloaded = reloadMediator(stateDir);
    await listen();
    expect(await reloaded).toBe(true);
    lock.release();
  });

  test('of where there is no mediator, or no state directory, says so', async () => {
    expect(await reloadMediator(stateDir)).toBe(false);
    expect(await reloadMediator(join(stateDir, 'none'))).toBe(false);
    expect(codeOf(await reloadOnce().catch((error: unknown) => error))).toBe('NOT_RUNNING');
    fs.writeFileSync(join(stateDir, 'file'), '');
    await expect(reloadMediator(join(stateDir, 'file'))).rejects.toMatchObject({
      code: 'STATE_DIR_UNUSABLE',
    });
  });
});
