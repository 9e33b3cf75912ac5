/** What the mediator tells the service manager that has started it, here a socket of the test. */
import { existsSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { compileStub, describeOnStub } from '../packages/cuda-binding/test/support/stub.js';
import { NotifySocket } from './support/notify-socket.js';
import { MEDIATOR, MediatorProcess, run, TestRoot, until } from './support/processes.js';

const PING = 'WATCHDOG=1';
/** Far longer than between two pings of the watchdogs here, milliseconds. */
const LONG_MS = 500;

let root: TestRoot;
let manager: NotifySocket;
beforeEach(async () => {
  root = new TestRoot([1]);
  manager = await NotifySocket.at(join(root.base, 'notify'));
  root.launch = { env: { NOTIFY_SOCKET: manager.path } };
});
afterEach(async () => {
  root.remove();
  await manager.close();
});

function setWatchdog(ms: number, pid?: number): void {
  const env = {
    WATCHDOG_USEC: String(ms * 1000),
    ...(pid !== undefined && { WATCHDOG_PID: String(pid) }),
  };
  root.launch = { env: { ...root.launch.env, ...env } };
}

/** For mediators that are started from now on; gives what runs it in one, and waits until it has begun. */
function onSignal(script: string): (mediator: MediatorProcess) => Promise<void> {
  const [path, begun] = [join(root.base, 'script.mjs'), join(root.base, 'begun')];
  writeFileSync(
    path,
    `import fs from 'node:fs';\nfs.writeFileSync(${JSON.stringify(begun)}, '');\n${script}`,
  );
  const preload = new URL('support/on-signal-preload.mjs', import.meta.url).href;
  const env = { NODE_OPTIONS: `--import=${preload}`, TEST_ON_SIGUSR2: path };
  root.launch = { env: { ...root.launch.env, ...env } };
  return async (mediator) => {
    mediator.signal('SIGUSR2');
    await until(() => existsSync(begun), 'the script');
  };
}

const statusNow = () =>
  run(process.execPath, [MEDIATOR, 'status', '--json', '--root', root.path]).then(
    ({ stdout }) => JSON.parse(stdout) as unknown,
  );

describe('a mediator that a service manager has started', () => {
  it('is ready when it serves and accepts commands, and reports that it stops', async () => {
    const mediator = new MediatorProcess(root);
    await manager.until('READY=1');
    expect(await statusNow()).toMatchObject({ phase: 'serving' });
    expect(manager.told).toEqual(['READY=1\nSTATUS=Serving; 0 requests are queued']);
    expect(await mediator.stop()).toBe(0);
    await manager.until('STOPPING=1');
    expect(manager.told).toHaveLength(2);
  });

  it('is not ready when it cannot serve', async () => {
    const other = await MediatorProcess.serving(root);
    await manager.until('READY=1');
    expect(await new MediatorProcess(root).exited).toBe(69);
    await manager.until('STOPPING=1');
    expect(manager.those('READY=1')).toHaveLength(1);
    await other.stop();
  });

  it('tells when it has been drained', async () => {
    const mediator = await MediatorProcess.serving(root);
    await run(process.execPath, [MEDIATOR, 'drain', '--root', root.path]);
    expect(await mediator.exited).toBe(0);
    await manager.until('STOPPING=1');
  });

  it('reports the start, with its time, and the end of a reload', async () => {
    const mediator = await MediatorProcess.serving(root);
    await manager.until('READY=1');
    const begin = process.hrtime.bigint() / 1000n;
    mediator.signal('SIGHUP');
    await manager.until('READY=1', 2);
    const end = process.hrtime.bigint() / 1000n;
    const [, reloading = '', ready] = manager.told;
    const at = /^RELOADING=1\nMONOTONIC_USEC=([0-9]+)$/.exec(reloading)?.[1] ?? '0';
    expect(BigInt(at)).toBeGreaterThanOrEqual(begin);
    expect(BigInt(at)).toBeLessThanOrEqual(end);
    expect(ready).toBe('READY=1');
    await until(() => mediator.logged('configuration reloaded').length === 1, 'it to be logged');
    await mediator.stop();
  });

  it('serves even if no manager listens', async () => {
    root.launch = { env: { NOTIFY_SOCKET: join(root.base, 'absent') } };
    const mediator = await MediatorProcess.serving(root);
    const failed = 'cannot notify the service manager';
    await until(() => mediator.logged(failed).length > 0, 'the warning');
    expect(mediator.logged(failed)[0]).toMatchObject({
      notification: 'READY=1',
      error: expect.stringMatching(/^ENOENT/),
    });
    expect(await mediator.stop()).toBe(0);
  });

  it('finds a manager by an abstract name', async () => {
    const abstract = await NotifySocket.at(`@vgpu-test-${process.pid}`);
    root.launch = { env: { NOTIFY_SOCKET: abstract.path } };
    const mediator = new MediatorProcess(root);
    await abstract.until('READY=1');
    expect(await mediator.stop()).toBe(0);
    await abstract.until('STOPPING=1');
    await abstract.close();
  });
});

describe('its watchdog', () => {
  it('hears of it for as long as it is alive', async () => {
    setWatchdog(20);
    const mediator = await MediatorProcess.serving(root);
    await manager.until(PING, 5);
    expect(manager.told.indexOf('READY=1\nSTATUS=Serving; 0 requests are queued')).toBe(0);
    await mediator.stop();
    await manager.until('STOPPING=1');
    expect(manager.told.at(-1)).toMatch(/^STOPPING=1/);
  });

  it('hears nothing if it is for another process', async () => {
    setWatchdog(1, 1);
    const mediator = await MediatorProcess.serving(root);
    await manager.until('READY=1');
    expect(await manager.countFor(LONG_MS, PING)).toBe(0);
    await mediator.stop();
  });

  it('hears nothing before its time, which may be longer than a timer takes', async () => {
    setWatchdog(100 * 24 * 3600 * 1000);
    const mediator = await MediatorProcess.serving(root);
    await manager.until('READY=1');
    expect(await manager.countFor(LONG_MS, PING)).toBe(0);
    await mediator.stop();
  });

  it('hears nothing while its process is stopped', async () => {
    setWatchdog(20);
    const mediator = await MediatorProcess.serving(root);
    await manager.until(PING);
    mediator.signal('SIGSTOP');
    const state = () => readFileSync(`/proc/${mediator.pid}/stat`, 'utf8').split(' ')[2];
    await until(() => state() === 'T', 'it to be stopped');
    await manager.countFor(LONG_MS, PING);
    expect(await manager.countFor(LONG_MS, PING)).toBe(0);
    mediator.signal('SIGCONT');
    await manager.until(PING, manager.those(PING).length + 2);
    await mediator.stop();
  });

  it('hears nothing while its event loop stands still', async () => {
    setWatchdog(20);
    const file = join(root.base, 'blocking');
    const standStill = onSignal(`while (fs.existsSync(${JSON.stringify(file)}));`);
    const mediator = await MediatorProcess.serving(root);
    await manager.until(PING);
    writeFileSync(file, '');
    await standStill(mediator);
    // What it had told before is still on its way.
    await manager.countFor(LONG_MS, PING);
    expect(await manager.countFor(LONG_MS, PING)).toBe(0);
    rmSync(file);
    await manager.until(PING, manager.those(PING).length + 2);
    await mediator.stop();
  });
});

describeOnStub('its watchdog, with a device that hangs', () => {
  const CONTROL_BYTES = 256;

  /** Says what goes wrong in the stub of the driver from now on. */
  function arm(control: string, faults: string): void {
    const text = Buffer.alloc(CONTROL_BYTES);
    text.write(faults);
    text[CONTROL_BYTES - 1] = 1;
    writeSync(openSync(control, 'r+'), text);
  }

  async function servingOnStub(): Promise<{ mediator: MediatorProcess; control: string }> {
    const control = join(root.base, 'control');
    writeFileSync(control, Buffer.alloc(CONTROL_BYTES));
    const stub = {
      LD_LIBRARY_PATH: compileStub(),
      VGPU_STUB_DEVICES: '1',
      VGPU_STUB_CONTROL: control,
    };
    root.launch = { env: { ...root.launch.env, ...stub } };
    const flags = ['--backend', 'cuda', '--exec-limit', '100'];
    return { mediator: await MediatorProcess.serving(root, ...flags), control };
  }

  it('keeps reporting after it was reopened', async () => {
    // Opening may take a second on a busy machine.
    setWatchdog(3000);
    const { mediator, control } = await servingOnStub();
    arm(control, 'kernel@1=hang');
    root.drop(1, 'x', 'A:1:1:100:200\n');
    await until(() => mediator.logged('device ready').length > 1, 'it to be reopened');
    expect(readFileSync(root.in(1, 'response-x.txt'), 'utf8')).toMatch(/^ERROR:DEADLINE:/);
    await manager.until(PING, manager.those(PING).length + 4);
    expect(manager.those('STATUS=Stuck')).toEqual([]);
    await mediator.stop();
  });

  it('hears no more when it hangs again at being opened', async () => {
    setWatchdog(400);
    const letOpeningHang = onSignal("process.env['VGPU_STUB_FAULTS'] = 'cuInit@1=hang';");
    const { mediator, control } = await servingOnStub();
    await letOpeningHang(mediator);
    arm(control, 'kernel@1=hang');
    await manager.until(PING);
    root.drop(1, 'x', 'A:1:1:100:200\n');
    await manager.until('STATUS=Stuck');
    expect(await manager.countFor(3 * LONG_MS, PING)).toBe(0);
    expect(manager.those('STATUS=Stuck')).toEqual(['STATUS=Stuck: device 0']);
    expect(mediator.logged('the device hangs; reopening it')).toHaveLength(1);
    expect(mediator.log.at(-1)).toMatchObject({ level: 'error', devices: '0' });
    expect(await mediator.stop()).toBe(0);
  });
});
