import { describe, expect, it } from '@jest/globals';
import * as protocol from '@vgpu/protocol';
import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The cells of each row of the table whose first heading this is. */
function table(heading: string): string[][] {
  const lines = README.split('\n');
  const rows = lines.slice(lines.findIndex((line) => line.startsWith(`| ${heading} `)) + 2);
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replace(/`/g, '')),
    );
}

describe('the README', () => {
  it('names every export', () => {
    const named = new Set(Array.from(README.matchAll(/`([A-Za-z0-9_]+)[`(]/g), ([, name]) => name));
    expect(Object.keys(protocol).filter((name) => !named.has(name))).toEqual([]);
  });

  it('lists every error code', () => {
    const rows = table('code');
    expect(rows.map(([code]) => code)).toEqual(protocol.ErrorCode.options);
    expect(rows.every((cells) => cells.length === 3 && !cells.includes(''))).toBe(true);
  });

  it('lists every exit code', () => {
    const rows = table('status').map(([status, name]) => [name, Number(status)]);
    expect(rows).toEqual(Object.entries(protocol.ExitCode));
  });

  it('lists every register', () => {
    const rows = table('offset').map(([offset, name]) => [name, Number(offset)]);
    expect(rows).toEqual(Object.entries(protocol.REGISTERS));
  });
});

describe('the exit codes', () => {
  it('are those of the specification', () => {
    expect(protocol.ExitCode).toEqual({
      OK: 0,
      FINDINGS: 1,
      USAGE: 64,
      REJECTED: 65,
      UNAVAILABLE: 69,
      INTERNAL: 70,
      CANT_CREATE: 73,
      TRY_AGAIN: 75,
      NO_PERMISSION: 77,
      CONFIG: 78,
    });
  });
});
