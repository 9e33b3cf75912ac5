import assert from 'node:assert/strict';
import { listDevices, openDevice } from '@vgpu/cuda-binding';
import { conformance } from '@vgpu/cuda-binding/conformance';
import { describe, gpuCount, isOnGpu, itOnGpu, projectWith, runModule } from './support.mjs';

const open = (index = 0) => openDevice({ backend: 'cuda', index });

void describe('a CUDA device', () => {
  for (const { name, run } of conformance(() => open())) itOnGpu(name, run);

  for (const { name, run } of conformance(() =>
    openDevice({ backend: 'cuda', isolated: true }),
  ).slice(0, 5)) {
    itOnGpu(`in a process of its own ${name}`, run);
  }

  itOnGpu('is described', async () => {
    const devices = await listDevices();
    for (const [index, device] of devices.entries()) {
      assert.equal(device.index, index);
      assert.equal(device.backend, 'cuda');
      assert.match(device.uuid, /^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.match(device.pciBusId, /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/);
      assert.match(device.computeCapability, /^\d+\.\d+$/);
      assert.ok(device.memoryBytes > 2 ** 28, `memoryBytes is ${device.memoryBytes}`);
    }
    const device = await open();
    assert.deepEqual(device.device, devices[0]);
    await device.close();
  });

  itOnGpu('measures the time of vector additions itself', async () => {
    const device = await open();
    const [a, b] = [await device.allocate(2 ** 22), await device.allocate(2 ** 22)];
    /** @type {number[]} */
    const times = [];
    const started = performance.now();
    await device.add(a, b, { out: a, onDeviceTime: (ms) => times.push(ms) });
    const tookMs = performance.now() - started;
    await device.close();
    assert.equal(times.length, 1);
    const [ms = NaN] = times;
    assert.ok(ms > 0 && ms < tookMs, `${ms} of ${tookMs} ms`);
  });

  itOnGpu(
    'adds vectors in pinned and in ordinary memory, of all lengths and alignments',
    async () => {
      const device = await open();
      const length = 5_000_011;
      const pinned = await Promise.all([1, 2, 3].map(() => device.allocate(length)));
      const ordinary = [1, 2, 3].map(() => new Int32Array(length));
      for (const [k, array] of [...pinned, ...ordinary].entries()) {
        for (let i = 0; i < length; i++) array[i] = Math.imul(i + k, 2_654_435_761);
      }
      for (let round = 0; round < 200; round++) {
        const pick = () => (Math.random() < 0.5 ? pinned : ordinary);
        const size = Math.floor(Math.exp(Math.random() * Math.log(length)));
        const part = (/** @type {Int32Array | undefined} */ whole) => {
          const offset = Math.floor(Math.random() * Math.min(9, length - size));
          return (whole ?? new Int32Array(0)).subarray(offset, offset + size);
        };
        const [a, b, out] = [part(pick()[0]), part(pick()[1]), part(pick()[2])];
        const sum = await device.add(a, b, Math.random() < 0.7 ? { out } : {});
        assert.equal(sum.length, size);
        for (let i = 0; i < size; i += 1 + Math.floor(size / 5000)) {
          assert.equal(sum[i], ((a[i] ?? 0) + (b[i] ?? 0)) | 0, `element ${i} of ${size}`);
        }
      }
      await device.close();
    },
  );

  itOnGpu('is told of an index that does not exist', async () => {
    await assert.rejects(open(gpuCount), { code: 'NO_SUCH_DEVICE' });
    await assert.rejects(openDevice({ index: gpuCount }), { code: 'NO_SUCH_DEVICE' });
  });

  itOnGpu('is not there if the driver is told to hide it', async () => {
    const code = `
      import { openDevice } from '@vgpu/cuda-binding';
      await openDevice({ backend: 'cuda' }).catch((error) => console.log(error.code, error.operation));
      const device = await openDevice({ onFallback: (reason) => console.log(reason.code) });
      console.log(device.device.backend);`;
    const { stdout } = await runModule(code, { env: { CUDA_VISIBLE_DEVICES: '' } });
    assert.equal(stdout, 'CUDA_ERROR_NO_DEVICE cuInit\nCUDA_ERROR_NO_DEVICE\ncpu\n');
  });
});

void describe('the kernels of a CUDA device', () => {
  itOnGpu('are refused if their parameters are not those of the package', async () => {
    const code = `
      import { openDevice } from '@vgpu/cuda-binding';
      await openDevice({ backend: 'cuda' }).catch(({ code, message }) => console.log(code, message));`;
    const cwd = projectWith('other-kernels');
    const { status, stdout, stderr } = await runModule(code, { cwd });
    const difference = 'its parameter 3 has 4 bytes at offset 24, not 8 bytes at offset 24';
    assert.match(stdout, /^BACKEND_UNAVAILABLE .* the vector_add_kernel of this version/, stderr);
    assert.ok(stdout.includes(difference), stdout);
    assert.equal(status, 0);
  });
});

void describe('a fault of a CUDA device', () => {
  const faulty = isOnGpu ? projectWith('faulty-kernels') : '';
  for (const [what, operand, codes] of /** @type {const} */ ([
    ['a trap', 666_001, ['CUDA_ERROR_LAUNCH_FAILED', 'CUDA_ERROR_ILLEGAL_INSTRUCTION']],
    ['an illegal address', 666_002, ['CUDA_ERROR_ILLEGAL_ADDRESS']],
  ])) {
    itOnGpu(`${what} fails what is in flight, and another process can go on`, async () => {
      const code = `
        import { openDevice } from '@vgpu/cuda-binding';
        const device = await openDevice({ backend: 'cuda' });
        const pinned = await device.allocate(1000);
        console.log(await device.addScalar(1, 2));
        const calls = [device.addScalar(${operand}, 0), device.add(new Int32Array(9), new Int32Array(9)),
          device.add(new Int32Array(1e6), new Int32Array(1e6)), device.addScalar(3, 4)];
        for (const { status, reason } of await Promise.allSettled(calls)) {
          console.log(status, reason?.code, reason?.isDeviceLost);
        }
        console.log((await device.addScalar(5, 6).catch((error) => error)).code);
        await device.close();
        pinned[999] = 7;
        console.log(pinned[999]);
        const again = await openDevice({ backend: 'cuda', isolated: true });
        console.log(await again.addScalar(7, 8), await again.addScalar(9, 10));
        console.log((await again.addScalar(${operand}, 1).catch((error) => error)).isDeviceLost);
        await again.close();`;
      const { status, stdout, stderr } = await runModule(code, { cwd: faulty });
      const failed = (/** @type {string} */ name) => `rejected ${name} true`;
      const expected = codes.map((name) =>
        ['3', ...Array(4).fill(failed(name)), name, '7', '15 19', 'true', ''].join('\n'),
      );
      assert.ok(expected.includes(stdout), `${stdout}${stderr}`);
      assert.equal(status, 0);
    });
  }

  itOnGpu('a kernel that takes long leaves the event loop free', async () => {
    const code = `
      import { openDevice } from '@vgpu/cuda-binding';
      const device = await openDevice({ backend: 'cuda' });
      let turns = 0;
      const timer = setInterval(() => (turns += 1), 20);
      console.log(await device.addScalar(666003, 1), turns > 50);
      clearInterval(timer);
      await device.close();`;
    const { status, stdout, stderr } = await runModule(code, { cwd: faulty });
    assert.deepEqual(
      { status, stdout, stderr },
      { status: 0, stdout: '666004 true\n', stderr: '' },
    );
  });

  itOnGpu('a kernel that takes long does not keep the process', async () => {
    const code = `
      import { openDevice } from '@vgpu/cuda-binding';
      const device = await openDevice({ backend: 'cuda' });
      void device.addScalar(666003, 1);
      setTimeout(() => process.exit(0), 50);`;
    const { status, signal, stderr } = await runModule(code, { cwd: faulty });
    assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
  });
});

void describe('a process with a CUDA device', () => {
  const setUp = `
    import { Worker, isMainThread } from 'node:worker_threads';
    import { openDevice } from '@vgpu/cuda-binding';
    const open = () => openDevice({ backend: 'cuda' });
    const long = () => new Int32Array(2 ** 24);`;
  for (const [when, code] of [
    ['after loading', 'await import("@vgpu/cuda-binding")'],
    ['after opening', 'await open()'],
    ['while opening', 'void open(); setImmediate(() => process.exit(0))'],
    ['with a kernel in flight', '(await open()).addScalar(1, 2); process.exit(0)'],
    [
      'with a long kernel in flight',
      'const d = await open(); const a = await d.allocate(2 ** 26); void d.add(a, a, { out: a }); setImmediate(() => process.exit(0))',
    ],
    [
      'with a pipeline at work',
      'const d = await open(); void d.add(long(), long()); setImmediate(() => process.exit(0))',
    ],
    ['at work, and nobody waits', 'const d = await open(); void d.add(long(), long())'],
    ['while closing', 'const d = await open(); void d.close(); process.exit(0)'],
    [
      'with a worker that is terminated at work',
      `const worker = new Worker(
         \`import('@vgpu/cuda-binding').then(async ({ openDevice }) => {
           const d = await openDevice({ backend: 'cuda' });
           (await import('node:worker_threads')).parentPort.postMessage('open');
           for (;;) await d.add(new Int32Array(2 ** 22), new Int32Array(2 ** 22));
         })\`, { eval: true });
       worker.once('message', () => setTimeout(() => worker.terminate(), 30))`,
    ],
    [
      'with a worker that ends by itself',
      `new Worker(
         \`import('@vgpu/cuda-binding').then(async ({ openDevice }) => {
           const d = await openDevice({ backend: 'cuda' });
           if (await d.addScalar(1, 2) !== 3) process.exit(1);
         })\`, { eval: true })`,
    ],
  ]) {
    itOnGpu(`ends ${when}`, async () => {
      const { status, signal, stderr } = await runModule(`${setUp}${code};`);
      assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
    });
  }

  itOnGpu('needs no more memory after a million additions than after a tenth', async (test) => {
    const code = `
      import { execFileSync } from 'node:child_process';
      import { openDevice } from '@vgpu/cuda-binding';
      const device = await openDevice({ backend: 'cuda' });
      const deviceMiB = () => Number(execFileSync('nvidia-smi', ['--query-gpu=memory.used',
        '--format=csv,noheader,nounits', '-i', device.device.uuid], { encoding: 'utf8' }));
      const measure = () => { gc(); return [process.memoryUsage.rss() / 2 ** 20, deviceMiB()]; };
      let next = 0;
      const addUpTo = async (end) => {
        while (next < end) {
          const i = next++;
          if (await device.addScalar(i, i) !== 2 * i) throw new Error('wrong sum');
          if (i % 50 === 0) await device.add(new Int32Array(1000), new Int32Array(1000));
          if (i % 20_000 === 0) await device.add(new Int32Array(1e6), new Int32Array(1e6));
        }
      };
      const run = (end) => Promise.all(Array.from({ length: 64 }, () => addUpTo(end)));
      await run(100_000);
      const before = measure();
      await run(1_000_000);
      const after = measure();
      await device.close();
      console.log(JSON.stringify({ before, after }));`;
    const { stdout, stderr } = await runModule(code, {
      // What V8 keeps for young objects is not to count.
      flags: ['--expose-gc', '--max-semi-space-size=2'],
    });
    assert.equal(stderr, '');
    const { before, after } = /** @type {{ before: number[], after: number[] }} */ (
      JSON.parse(stdout)
    );
    test.diagnostic(`RSS and device memory in MiB, early and late: ${stdout}`);
    assert.ok((after[0] ?? NaN) < (before[0] ?? NaN) + 16, 'RSS');
    assert.ok((after[1] ?? NaN) <= (before[1] ?? NaN) + 2, 'memory of the device');
  });

  itOnGpu('can open and close devices again and again', async () => {
    const code = `
      import { openDevice } from '@vgpu/cuda-binding';
      const cycle = async () => {
        const device = await openDevice({ backend: 'cuda' });
        if (await device.addScalar(1, 2) !== 3) throw new Error('wrong sum');
        await device.close();
      };
      for (let i = 0; i < 10; i++) await cycle();
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 40; i++) await cycle();
      console.log((process.memoryUsage.rss() - before) / 2 ** 20);`;
    // The driver's threads are others for each context, and glibc gives them heaps of their own, which
    // stop growing after a hundred cycles only (measured: 280 MiB; with one heap 126 MiB from the start).
    const env = { MALLOC_ARENA_MAX: '1' };
    const { stdout, stderr } = await runModule(code, { env });
    assert.equal(stderr, '');
    assert.ok(Number(stdout) < 32, `RSS grew by ${stdout} MiB in 40 cycles`);
  });
});
