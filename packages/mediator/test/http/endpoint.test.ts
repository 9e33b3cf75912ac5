import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describeEndpoint, parseEndpoint, requireProtection } from '../../src/http/endpoint.js';
import { MediatorError } from '../../src/mediator-error.js';

describe('an endpoint', () => {
  test.each([
    ['127.0.0.1:9741', { kind: 'tcp', host: '127.0.0.1', port: 9741 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['gpu-1.example.org:65535', { kind: 'tcp', host: 'gpu-1.example.org', port: 65_535 }],
    ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
    ['unix:/run/vgpu/http.sock', { kind: 'unix', path: '/run/vgpu/http.sock' }],
    ['unix:http.sock', { kind: 'unix', path: 'http.sock' }],
  ])('is %s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  test.each([
    '',
    '9741',
    ':9741',
    'localhost',
    'localhost:',
    'localhost:65536',
    'localhost:-1',
    'localhost:1e3',
    ' localhost:1',
    'http://localhost:1',
    '::1:80',
    '[127.0.0.1]:80',
    '[::g]:80',
    '[]:80',
    'unix:',
    `unix:/${'x'.repeat(107)}`,
    'unix:/a\0b',
  ])('is not %j', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });

  test('property: is described by what it is read from', () => {
    const hosts = fc.oneof(
      fc.ipV4().map((host) => [host, host]),
      fc.ipV6().map((host) => [host, `[${host}]`]),
      fc.domain().map((host) => [host, host]),
    );
    fc.assert(
      fc.property(hosts, fc.nat(65_535), ([host, written], port) => {
        const endpoint = parseEndpoint(`${written}:${port}`);
        expect(endpoint).toEqual({ kind: 'tcp', host, port });
        if (endpoint !== undefined) {
          expect(describeEndpoint(endpoint)).toBe(`http://${written}:${port}/`);
        }
      }),
    );
  });
});

describe('without a token', () => {
  const protect = (text: string, token?: string) => {
    const endpoint = parseEndpoint(text);
    if (endpoint === undefined) throw new Error('expected an endpoint');
    requireProtection(endpoint, token);
  };

  test.each(['127.0.0.1:1', '127.1.2.3:1', 'localhost:1', '[::1]:1', 'unix:/run/x'])(
    '%s is safe',
    (text) => {
      expect(() => {
        protect(text);
      }).not.toThrow();
    },
  );

  test.each(['0.0.0.0:1', '[::]:1', '10.0.0.1:1', '127.example.org:1', 'localhost.example.org:1'])(
    '%s is refused, with one it is not',
    (text) => {
      const refusal = expect.objectContaining({
        code: 'INVALID_CONFIG',
        message: expect.stringMatching(/--http-token.*loopback.*unix:/),
      });
      expect(() => {
        protect(text);
      }).toThrow(refusal);
      expect(() => {
        protect(text);
      }).toThrow(MediatorError);
      expect(() => {
        protect(text, '0123456789abcdef');
      }).not.toThrow();
    },
  );
});
