import { describe, expect, it } from '@jest/globals';
import { joinPath, PathPattern } from '../../../src/websocket/routing/path-pattern.js';
import { PathRouter } from '../../../src/websocket/routing/path-router.js';
import { ConfigurationError } from '../../../src/websocket/errors/plack-websocket.error.js';

describe('joinPath', () => {
  it.each([
    [['/ws', 'rooms/:room'], '/ws/rooms/:room'],
    [['ws/', '/rooms/'], '/ws/rooms'],
    [['/ws', ''], '/ws'],
    [['', ''], '/'],
    [['/', '/'], '/'],
    [['api', '/ws', 'echo'], '/api/ws/echo'],
    [['//ws//', 'a//b'], '/ws/a//b'],
  ])('of %j is %s', (parts, path) => {
    expect(joinPath(...parts)).toBe(path);
  });
});

describe('a path pattern', () => {
  it.each<[string, string, object | undefined]>([
    ['/rooms/:room', '/rooms/5', { room: '5' }],
    ['/rooms/:room', '/rooms/a%2Fb', { room: 'a/b' }],
    ['/rooms/:room', '/rooms/', undefined],
    ['/rooms/:room', '/Rooms/5', undefined],
    ['/rooms/:room', '/rooms/5/6', undefined],
    ['/rooms{/:room}', '/rooms', {}],
    ['/rooms{/:room}', '/rooms/5', { room: '5' }],
    ['/files/*path', '/files/a/b', { path: ['a', 'b'] }],
    ['/files/*path', '/files', undefined],
    ['/:from-:to', '/a-b', { from: 'a', to: 'b' }],
  ])('%s matches %s with %j', (source, path, params) => {
    const found = new PathPattern(source).match(path);
    expect(found === undefined ? undefined : { ...found }).toEqual(params);
  });

  it('throws a URIError for broken percent-encoding', () => {
    expect(() => new PathPattern('/rooms/:room').match('/rooms/%e0%a4')).toThrow(URIError);
  });

  it('builds a path, encoded, and needs every parameter', () => {
    const pattern = new PathPattern('/rooms/:room{/:member}');
    expect(pattern.build({ room: 'ä/b' })).toBe('/rooms/%C3%A4%2Fb');
    expect(pattern.build({ room: '1', member: '2' })).toBe('/rooms/1/2');
    expect(() => pattern.build({})).toThrow(TypeError);
  });

  it.each(['/rooms/:', '/rooms/*', '/rooms/{', '/(a)', '/a+', '/a?'])('%s is refused with what is wrong', (source) => {
    expect(() => new PathPattern(source)).toThrow(ConfigurationError);
    expect(() => new PathPattern(source)).toThrow(JSON.stringify(source));
  });

  it('sorts the more special one first', () => {
    const sources = ['/*all', '/:a/x', '/a/*rest', '/a/:b', '/a/:b/c', '/a/x-:b', '/a/b/c', '/a/b'];
    const sorted = sources.map((source) => new PathPattern(source)).sort(PathPattern.compare);
    expect(sorted.map(({ source }) => source)).toEqual([
      '/a/b/c',
      '/a/b',
      '/a/x-:b',
      '/a/:b/c',
      '/a/:b',
      '/a/*rest',
      '/:a/x',
      '/*all',
    ]);
  });

  it.each([
    ['/a/\\:', '/a/:', '/a/:b'],
    ['/a/\\:b', '/a/:b', '/a/:b'],
    ['/a/\\*', '/a/*', '/a/*rest'],
    ['/:x/\\*', '/5/*', '/:x/:y'],
  ])('takes an escaped character for text: %s is %s and goes before %s', (escaped, path, other) => {
    const routes = [other, escaped].map((source) => ({ pattern: new PathPattern(source), target: source }));
    const router = new PathRouter(routes, String);
    expect([router.find(path)?.target, router.find('/a/b')?.target ?? other]).toEqual([escaped, other]);
  });
});
