import { expect, test } from '@jest/globals';

import { compileStub, describeOnStub, runChild } from './support/stub.js';

interface Line {
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  readonly reasons?: readonly string[];
  readonly device?: { readonly backend: string };
  readonly sum?: number;
}

const auto = '{}';
const cuda = '{"backend":"cuda"}';

describeOnStub('a kernel that the package does not expect', () => {
  test.each([
    [
      'scalar_add_kernel',
      '0:8 8:520',
      'its parameter 0 has 8 bytes at offset 0, not 520 bytes at offset 0',
    ],
    [
      'scalar_add_kernel',
      '0:520 528:8',
      'its parameter 1 has 8 bytes at offset 528, not 8 bytes at offset 520',
    ],
    [
      'vector_add_kernel',
      '0:8 8:8 16:8 24:4 32:8 40:4 44:4',
      'its parameter 3 has 4 bytes at offset 24, not 8 bytes at offset 24',
    ],
    ['vector_add_kernel', '0:8 8:8 16:8 24:8 32:8 40:4', 'its number of parameters is 6, not 7'],
    [
      'vector_add_kernel',
      '0:8 8:8 16:8 24:8 32:8 40:4 44:4 48:4',
      'its number of parameters is 8, not 7',
    ],
  ])('is refused when a device is opened: %s %s', async (kernel, parameters, difference) => {
    const { status, stderr, lines, contexts } = await runChild<Line>('devices', {
      args: [cuda, auto],
      stub: { PARAMETERS: `${kernel} ${parameters}` },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(lines[1]?.error).toMatchObject({
      name: 'DeviceError',
      code: 'BACKEND_UNAVAILABLE',
      message: `opening CUDA device 0: expected the ${kernel} of this version of the package, but ${difference}: install the package again, or use the 'cpu' backend`,
    });
    expect(lines[2]).toMatchObject({ device: { backend: 'cpu' }, sum: 300 });
    expect(lines[2]?.reasons).toEqual(['BACKEND_UNAVAILABLE']);
    expect(contexts).toHaveLength(2);
    for (const { modules, streams, registrations } of contexts) {
      expect({ modules, streams, registrations }).toEqual({
        modules: 0,
        streams: 0,
        registrations: 0,
      });
    }
  });

  test('is not noticed by a driver that can not tell parameters', async () => {
    const { lines } = await runChild<Line>('devices', {
      library: compileStub('-DcuFuncGetParamInfo=cuFuncGetParamInfoOfLaterTimes'),
      args: [cuda],
      stub: { PARAMETERS: 'vector_add_kernel 0:8' },
    });
    expect(lines[1]).toMatchObject({ device: { backend: 'cuda' }, sum: 300 });
  });
});
