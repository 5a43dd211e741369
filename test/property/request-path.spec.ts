import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UpgradeRefusedError } from '../../src/websocket/errors/plack-websocket.error.js';
import { requestPath } from '../../src/websocket/routing/request-path.js';

/** What people and attackers put into a request target. */
const piece = fc.constantFrom(
  ...['/', '//', '.', '..', '%2e', '%2E', '.%2e', '%2f', '%5c', '\\', '?', '#'],
  ...['%00', '%0d%0a', '%7F', '%C2%85', '%zz', '%'],
  ...['ws', 'rooms', 'a b', 'é', '%C3%A9', '...', 'a.b', '.well-known', 'http:', '*', '@', ':', ';', '~'],
);
const target = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join('')}`),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

function pathOf(value: string): string | undefined {
  try {
    return requestPath(value);
  } catch (error) {
    expect(error).toMatchObject({ constructor: UpgradeRefusedError, error: 'invalid request' });
    return undefined;
  }
}

describe('the path of a request', () => {
  it('is the target up to the query, as it was sent, or the request is invalid', () => {
    fc.assert(
      fc.property(target, (value) => {
        const path = pathOf(value);
        expect([undefined, value.split(/[?#]/, 1)[0]]).toContain(path);
      }),
      { numRuns: 1_000 },
    );
  });

  it('names a place below the root of this server and nothing else', () => {
    fc.assert(
      fc.property(target, (value) => {
        const path = pathOf(value);
        if (path === undefined) return;
        expect(path).toMatch(/^\/(?!\/)/);
        expect(path).not.toContain('\\');
        const decoded = decodeURIComponent(path);
        for (const segment of decoded.split(/[/\\]/)) expect(['.', '..']).not.toContain(segment);
        expect([...decoded].filter((one) => one < ' ' || (one >= '\x7f' && one < '\xa0'))).toEqual([]);
        const resolved = new URL(path, 'ws://server.example');
        const depth = path.split('/').length;
        expect([resolved.host, resolved.pathname.split('/').length]).toEqual(['server.example', depth]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is any path of plain segments, whatever the query', () => {
    const plain = fc.array(fc.constantFrom(...'abcXYZ019-_~!$&()*+,;=:@'), { minLength: 1, maxLength: 6 });
    const paths = fc.array(
      plain.map((characters) => characters.join('')),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(paths, fc.webQueryParameters(), (segments, query) => {
        const path = `/${segments.join('/')}`;
        expect(requestPath(`${path}?${query}`)).toBe(path);
      }),
    );
  });
});
