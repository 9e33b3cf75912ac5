// Lists the devices, and opens one with each of the options that are given as JSON.
import { listDevices, openDevice } from '@vgpu/cuda-binding';

import { describeError, print } from './child.mjs';

const list = await listDevices().then(
  (devices) => ({ devices }),
  (/** @type {unknown} */ error) => ({ error: describeError(error) }),
);
print(list);

for (const text of process.argv.slice(2)) {
  /** @type {string[]} */
  const reasons = [];
  try {
    const device = await openDevice({
      .../** @type {object} */ (JSON.parse(text)),
      onFallback: ({ code }) => reasons.push(code),
    });
    print({ device: device.device, reasons, sum: await device.addScalar(100, 200) });
    await device.close();
  } catch (error) {
    print({ error: describeError(error), reasons });
  }
}
