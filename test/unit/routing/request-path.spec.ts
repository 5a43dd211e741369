import { describe, expect, it } from '@jest/globals';
import { UpgradeRefusedError } from '../../../src/websocket/errors/plack-websocket.error.js';
import { requestPath } from '../../../src/websocket/routing/request-path.js';

describe('the path of a request target', () => {
  it.each([
    ['/', '/'],
    ['/ws', '/ws'],
    ['/ws?a=1&b=/../', '/ws'],
    ['/ws#part', '/ws'],
    ['/ws?', '/ws'],
    ['/rooms/a%20b', '/rooms/a%20b'],
    ['/rooms/%C3%BC', '/rooms/%C3%BC'],
    ['/a%2Fb', '/a%2Fb'],
    ['/.hidden/..x/x..', '/.hidden/..x/x..'],
    ['/ws//a', '/ws//a'],
  ])('of %j is %j, as it was sent', (target, path) => {
    expect(requestPath(target)).toBe(path);
  });

  it.each<[string, string | undefined]>([
    ['no target', undefined],
    ['an empty target', ''],
    ['an absolute URL, which is of another host where it is left', 'http://other.example/ws'],
    ['the form of another server', '//other.example/ws'],
    ['a target for all', '*'],
    ['a dot segment', '/ws/../admin'],
    ['a dot segment at the end', '/ws/..'],
    ['a single dot', '/ws/./x'],
    ['an encoded dot segment', '/ws/%2e%2E/admin'],
    ['a dot segment behind an encoded slash', '/ws/..%2fadmin'],
    ['a dot segment behind an encoded backslash', '/ws/..%5cadmin'],
    ['a backslash', '/ws\\x'],
    ['an encoded line break', '/ws/a%0d%0ab'],
    ['an encoded NUL', '/ws/a%00'],
    ['an encoded DEL', '/ws/a%7f'],
    ['broken percent-encoding', '/ws/%'],
    ['bytes that are not UTF-8', '/ws/%ff'],
  ])('refuses %s as an invalid request', (_what, target) => {
    expect(() => requestPath(target)).toThrow(UpgradeRefusedError);
    expect(() => requestPath(target)).toThrow('invalid request: the');
  });
});
