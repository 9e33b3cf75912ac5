// A mediator whose only device fails: what a black-box test cannot make the CPU device do.
import { Mediator } from '@vgpu/mediator';

/** @type {import('@vgpu/cuda-binding').VectorAdder} */
const fakeFailingAdder = {
  device: { backend: 'cpu', index: 0, name: 'FakeFailingAdder' },
  add: () => Promise.reject(new Error('launch failed\n(not really)')),
  addScalar: () => Promise.reject(new Error('launch failed\n(not really)')),
  allocate: (length) => Promise.resolve(new Int32Array(length)),
  close: () => Promise.resolve(),
};

const log = (/** @type {string} */ message) => process.stderr.write(`${message}\n`);
const [, , root = ''] = process.argv;
const mediator = new Mediator({
  root,
  stateDir: `${root}-state`,
  devices: [() => Promise.resolve(fakeFailingAdder)],
  logger: { debug: log, info: log, warn: log, error: log },
});
process.on('SIGTERM', () => void mediator.stop());
await mediator.start();
