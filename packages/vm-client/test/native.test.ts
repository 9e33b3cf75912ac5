import { beforeEach, expect, jest, test } from '@jest/globals';

// Loading the addon is replaced, since whether there is one is a matter of the machine.
const bindings = jest.fn<(options: object) => unknown>();
const requirePrebuilt = jest.fn<(path: string) => unknown>();
jest.unstable_mockModule('node:module', () => ({
  createRequire: () => (name: string) => (name === 'bindings' ? bindings : requirePrebuilt(name)),
}));
const { loadAddon } = await import('../src/native.js');

beforeEach(() => {
  bindings.mockReset();
  requirePrebuilt.mockReset().mockImplementation(() => {
    throw new Error('no prebuilt addon');
  });
});

test('without an addon the error says what was tried and what to do', () => {
  const missing = new Error('Could not locate the bindings file. Tried:\n → /a/b\n → /c/d');
  bindings.mockImplementation(() => {
    throw missing;
  });
  expect(loadAddon).toThrow(
    expect.objectContaining({
      name: 'VgpuError',
      code: 'NO_IDENTITY',
      message: `cannot read a PCI device: expected a native part for ${process.platform} on ${process.arch}, but none can be loaded (Could not locate the bindings file.); build it with \`npm rebuild --foreground-scripts @vgpu/vm-client\`, which needs Python, make and a C++17 compiler, or say which VM this is with --vm-id or VGPU_VM_ID`,
      cause: missing,
    }),
  );
});

test('an addon that was built here is looked for in this package, and loaded once', () => {
  const addon = {};
  bindings.mockReturnValue(addon);
  expect(loadAddon()).toBe(addon);
  expect(loadAddon()).toBe(addon);
  expect(bindings).toHaveBeenCalledTimes(1);
  expect(bindings).toHaveBeenCalledWith({
    bindings: 'vgpu_client',
    module_root: expect.stringMatching(/\/vm-client\/$/) as unknown,
    try: [['module_root', 'build', 'Release', 'bindings']],
  });
});

test('the addon that came with the package goes first', async () => {
  jest.resetModules();
  const anew = await import('../src/native.js');
  const addon = {};
  requirePrebuilt.mockReturnValue(addon);
  expect(anew.loadAddon()).toBe(addon);
  const place = `/vm-client/prebuilds/${process.platform}-${process.arch}/vgpu_client.node`;
  expect(requirePrebuilt.mock.calls).toEqual([[expect.stringContaining(place)]]);
  expect(bindings).not.toHaveBeenCalled();
});
