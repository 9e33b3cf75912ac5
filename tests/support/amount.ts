/**
 * How much a test does whose amount is a matter of patience: a short run, or a long one where
 * jest.long.config.js is in use.
 *
 * @param short Seconds, in `npm test`.
 * @param long Minutes, in `npm run test:long`.
 */
export function amount(short: number, long: number): number {
  return process.env['VGPU_TEST_LONG'] === '1' ? long : short;
}
