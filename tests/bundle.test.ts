import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { describeInChromium, launchChromium } from './support/browser.js';

const repository = resolve(import.meta.dirname, '..');
const { bundledKiB } = JSON.parse(readFileSync(join(repository, 'tests/sizes.json'), 'utf8')) as {
  bundledKiB: Record<string, number>;
};

/** For each package that needs no Node: what a program does with it, and the outcome. */
const USES = [
  [
    'queue',
    `const queue = new all.PriorityQueue();
     queue.push('low', 0);
     queue.push('high', 2);
     const levels = new all.LevelQueue({ levels: 3 });
     levels.push('medium', 1);
     return [queue.pop(), levels.pop()].join();`,
    'high,medium',
  ],
  [
    'protocol',
    `const line = all.encodeRequest({
       pool: 'A', priority: 2, vm: 7, a: Int32Array.of(1, 2), b: Int32Array.of(10, 20),
     });
     const { a, b } = all.decodeRequest(line);
     const sum = all.encodeAnswer({ sum: a.map((value, index) => value + b[index]) });
     const identity = { pool: 'B', priority: 0, vm: 9 };
     const { vm } = all.decodeRegisterBlock(all.encodeRegisterBlock(identity));
     let code;
     try { all.decodeRequest('nonsense'); } catch (error) { code = error.code; }
     return [line.trim(), sum.trim(), vm, code].join();`,
    'A:2:7:1,2:10,20,11,22,9,BAD_REQUEST',
  ],
] as const;

/** Everything a package exports, as one script that leaves it in `all`. It fails on a `node:` module. */
async function bundle(name: string): Promise<string> {
  const { outputFiles, warnings } = await build({
    stdin: { contents: `export * from '@vgpu/${name}'`, resolveDir: repository },
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'all',
    target: 'es2023',
  });
  expect(warnings).toEqual([]);
  return outputFiles[0]?.text ?? '';
}

describe.each(USES)('@vgpu/%s, bundled for browsers', (name, use, outcome) => {
  it('runs where there is nothing but ECMAScript', async () => {
    // Neither what Node adds to it, nor what browsers, Deno or Bun do.
    const context = createContext(Object.create(null) as object);
    const script = `${await bundle(name)};(() => { ${use} })()`;
    expect(runInContext(script, context)).toBe(outcome);
  });

  it('is as small as it was', async () => {
    const kib = Buffer.byteLength(await bundle(name)) / 1024;
    process.stdout.write(`@vgpu/${name}: ${kib.toFixed(1)} KiB bundled and minified\n`);
    expect(kib).toBeLessThanOrEqual(bundledKiB[name] ?? 0);
  });
});

describeInChromium('in Chromium', () => {
  it.each(USES)('@vgpu/%s runs', async (name, use, outcome) => {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const script = `${await bundle(name)};(() => { ${use} })()`;
      expect(await page.evaluate(script)).toBe(outcome);
    } finally {
      await browser.close();
    }
  });
});
