import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type DurationUnit, durationText, parseDuration } from '@vgpu/protocol/cli';

const UNITS_MS: Record<DurationUnit, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const unit = fc.constantFrom<DurationUnit>('ms', 's', 'm', 'h');

describe('parseDuration', () => {
  it.each([
    ['0ms', 0],
    ['200ms', 200],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1.005s', 1005],
    ['0.1s', 100],
    ['0010s', 10_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(parseDuration(text, 's')).toBe(ms);
  });

  it('reads a plain number only if it has a unit for that', () => {
    expect(parseDuration('250')).toBeUndefined();
    expect(parseDuration('250', 'ms')).toBe(250);
    expect(parseDuration('0.5', 's')).toBe(500);
  });

  it.each([
    ...['', ' ', 's', 'ms', '-1s', '+1s', '1 s', ' 1s', '1s ', '1s\n', '1S', '1sec', '1d', '1ss'],
    ...['.5s', '5.s', '1e3ms', '0x1s', '1_000ms', '1,5s', '1m30s', 'Infinity', 'NaNs', '٣s', '1µs'],
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
    expect(parseDuration(text, 'ms')).toBeUndefined();
  });

  it('property: is a decimal number times its unit', () => {
    const digits = fc.tuple(fc.nat(1_000_000), fc.nat(999));
    fc.assert(
      fc.property(digits, unit, ([whole, thousandths], name) => {
        const text = `${whole}.${String(thousandths).padStart(3, '0')}`;
        const exact = ((whole * 1000 + thousandths) * UNITS_MS[name]) / 1000;
        expect(parseDuration(`${text}${name}`)).toBeCloseTo(exact, 6);
        if (Number.isInteger(exact)) expect(parseDuration(`${text}${name}`)).toBe(exact);
      }),
    );
  });

  it('property: any other text is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const isDuration = /^\d+(\.\d+)?(ms|s|m|h)$/.test(text);
        expect(parseDuration(text) !== undefined).toBe(isDuration);
      }),
    );
    const almost = fc
      .tuple(fc.double(), fc.string({ maxLength: 2 }))
      .map(([n, end]) => `${n}${end}`);
    fc.assert(
      fc.property(almost, (text) => {
        const isDuration = /^\d+(\.\d+)?(ms|s|m|h)?$/.test(text);
        expect(parseDuration(text, 'ms') !== undefined).toBe(isDuration);
      }),
    );
  });
});

describe('durationText', () => {
  it.each([
    [0, '0ms'],
    [1, '1ms'],
    [200, '200ms'],
    [1000, '1s'],
    [1500, '1500ms'],
    [90_000, '90s'],
    [300_000, '5m'],
    [3_600_000, '1h'],
    [0.5, '0.5ms'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it('property: is read as the same duration', () => {
    fc.assert(
      fc.property(fc.nat(), unit, (count, name) => {
        const ms = count * UNITS_MS[name];
        expect(parseDuration(durationText(ms))).toBe(ms);
      }),
    );
  });
});
