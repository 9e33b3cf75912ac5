import { expect, test } from '@jest/globals';
import { Mediator, type MediatorOptions } from '@vgpu/mediator';

const nothing = () => undefined;
const good = {
  root: '/nonexistent/vgpu',
  stateDir: '/nonexistent/state',
  devices: [() => Promise.reject(new Error('not to be opened'))],
  logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
} satisfies MediatorOptions;

const make = (options: unknown) => () => new Mediator(options as MediatorOptions);

test('the options of a mediator may be what their types say', () => {
  expect(make(good)).not.toThrow();
  expect(make({ ...good, deviceNumbers: [3] })).not.toThrow();
});

test.each([undefined, null, 3, 'root'])('%p is refused in place of them', (options) => {
  const thrown = { name: 'MediatorError', code: 'INVALID_CONFIG' };
  expect(make(options)).toThrow(expect.objectContaining(thrown));
});

test.each([
  ...[undefined, null, '', 3, {}, '/a\0b'].map((value) => ['root', value]),
  ...[undefined, null, '', 3, Object.create(null) as object].map((value) => ['stateDir', value]),
  ...[undefined, null, {}, 'cpu', [null], [good.devices]].map((value) => ['devices', value]),
  ...[null, 0, '0', ['0'], [0.5], [-1]].map((value) => ['deviceNumbers', value]),
  ...[undefined, null, {}, nothing, { ...good.logger, warn: 1 }].map((value) => ['logger', value]),
])('%s may not be %p', (key, value) => {
  const name = key as string;
  const thrown = {
    name: 'MediatorError',
    code: 'INVALID_CONFIG',
    message: expect.stringContaining(`${name}: expected `) as unknown,
  };
  expect(make({ ...good, [name]: value })).toThrow(expect.objectContaining(thrown));
});
