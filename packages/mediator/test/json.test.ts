import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseJson } from '../src/json.js';

test('property: a text without a duplicate key parses as by JSON.parse', () => {
  fc.assert(
    fc.property(fc.json({ depthSize: 'medium' }), fc.constantFrom(0, 2), (text, indentation) => {
      const value: unknown = JSON.parse(text);
      expect(parseJson(JSON.stringify(value, null, indentation))).toEqual(value);
    }),
  );
});

test('property: an inserted duplicate key is found in any text', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
      const [key = ''] = Object.keys(object);
      const text = `[1,"{",${JSON.stringify(object).slice(0, -1)},${JSON.stringify(key)}:[]}]`;
      expect(() => parseJson(text)).toThrow(`the key ${JSON.stringify(key)} occurs twice`);
    }),
  );
});

test('equal keys of different objects, and keys that are values, are not twice', () => {
  const text = '{"a":{"a":["a","a",{"a":1},{"a":"a"}]},"b":"a","\\"":{},"\\\\":"\\""}';
  expect(parseJson(text)).toEqual(JSON.parse(text));
});

test('depth and length end neither stack nor patience', () => {
  const [deep, long] = [`${'['.repeat(5e4)}${']'.repeat(5e4)}`, `{"a":"${'\\"x'.repeat(1e6)}"}`];
  expect(parseJson(deep)).toHaveLength(1);
  expect(parseJson(long)).toHaveProperty('a');
});
