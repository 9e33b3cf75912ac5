import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from '@jest/globals';

const packages = resolve(import.meta.dirname, '../packages');

/** What a module imports of its package, types and `import()` included. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)\.js'/g)]
    .map(([, path = '']) => join(dirname(file), `${path}.ts`))
    .filter((path) => existsSync(path));
}

/** The modules on the way from one back to itself; undefined if there is none. */
function circleFrom(start: string, imports: (file: string) => readonly string[]) {
  const before = new Map<string, string>();
  const open = [start];
  for (const file of open) {
    for (const next of imports(file)) {
      if (next === start) {
        const circle = [file];
        for (let at = before.get(file); at !== undefined; at = before.get(at)) circle.unshift(at);
        return circle;
      }
      if (before.has(next)) continue;
      before.set(next, file);
      open.push(next);
    }
  }
  return undefined;
}

it.each(['queue', 'protocol', 'linux', 'cuda-binding', 'vm-client', 'mediator'])(
  'no modules of %s import each other in a circle',
  (name) => {
    const source = join(packages, name, 'src');
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(source, file));
    const known = new Map(files.map((file) => [file, importsOf(file)]));
    expect([...known.values()].flat().length).toBeGreaterThan(5);
    const circles = files.flatMap((file) => {
      const circle = circleFrom(file, (each) => known.get(each) ?? []);
      return circle === undefined ? [] : [circle.map((each) => relative(source, each))];
    });
    expect(circles).toEqual([]);
  },
);

it('a circle is found', () => {
  const imports: Record<string, string[]> = { a: ['b'], b: ['c'], c: ['b'], d: ['a'] };
  const from = (start: string) => circleFrom(start, (file) => imports[file] ?? []);
  expect([from('a'), from('b'), from('c'), from('d')]).toEqual([
    undefined,
    ['b', 'c'],
    ['c', 'b'],
    undefined,
  ]);
});
