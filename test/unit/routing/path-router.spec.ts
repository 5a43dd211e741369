import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../../src/websocket/errors/plack-websocket.error.js';
import { PathPattern } from '../../../src/websocket/routing/path-pattern.js';
import { PathRouter } from '../../../src/websocket/routing/path-router.js';

/** A router whose targets are named as their patterns. */
function routerOf(...sources: string[]): PathRouter<string> {
  const routes = sources.map((source) => ({ pattern: new PathPattern(source), target: source }));
  return new PathRouter(routes, (target) => `Endpoint<${target}>`);
}

describe('a path router', () => {
  it.each<[string, string | undefined, object]>([
    ['/ws', '/ws', {}],
    ['/ws/', '/ws', {}],
    ['/ws/rooms/lobby', '/ws/rooms/lobby', {}],
    ['/ws/rooms/5', '/ws/rooms/:room', { room: '5' }],
    ['/ws/rooms/5/', '/ws/rooms/:room', { room: '5' }],
    ['/ws/rooms/a%20b', '/ws/rooms/:room', { room: 'a b' }],
    ['/ws/rooms/5/log', '/ws/rooms/:room/log', { room: '5' }],
    ['/ws/files/a/b', '/ws/files/*path', { path: ['a', 'b'] }],
    ['/ws/files/index', '/ws/files/:name', { name: 'index' }],
    ['/ws/rooms', undefined, {}],
    ['/WS', undefined, {}],
    ['/', undefined, {}],
    ['', undefined, {}],
  ])('finds for %s: %s', (path, target, params) => {
    const router = routerOf(
      '/ws/files/*path',
      '/ws/rooms/:room/log',
      '/ws/rooms/:room',
      '/ws/files/:name',
      '/ws/rooms/lobby',
      '/ws',
    );
    const match = router.find(path);
    expect(match?.target).toBe(target);
    expect({ ...match?.params }).toEqual(params);
  });

  it('gives parameters without a prototype, so that any name can be looked up', () => {
    const router = routerOf('/rooms/:room', '/ws');
    for (const path of ['/rooms/5', '/ws']) {
      const { params } = router.find(path) ?? {};
      expect([params !== undefined, params?.['constructor']]).toEqual([true, undefined]);
    }
  });

  it('finds exactly a text only where it is a whole path without parameters', () => {
    const router = routerOf('/ws', '/rooms/:room');
    expect([
      router.findExact('/ws')?.target,
      router.findExact('/ws/'),
      router.findExact('/ws?a=1'),
      router.findExact('/rooms/5'),
      router.findExact('/rooms/:room'),
      router.findExact(undefined),
    ]).toEqual(['/ws', undefined, undefined, undefined, undefined, undefined]);
  });

  it.each([
    ['/ws', '/ws'],
    ['/rooms/:room', '/rooms/:id'],
    ['/files/*path', '/files/*rest'],
  ])('refuses %s beside %s with both names and the way out', (one, other) => {
    expect(() => routerOf('/else', one, other)).toThrow(ConfigurationError);
    expect(() => routerOf(one, other)).toThrow(
      `Endpoint<${one}> (${one}) and Endpoint<${other}> (${other}) serve the same path. Give one of them another path`,
    );
  });

  it('lets targets share a path that are apart, and names all of them in each match', () => {
    const [one, two, three] = ['/rooms/:room', '/rooms/:id', '/rooms/lobby'].map((source) => new PathPattern(source));
    if (one === undefined || two === undefined || three === undefined) throw new Error('three patterns');
    const router = new PathRouter(
      [
        { pattern: one, target: 'one' },
        { pattern: two, target: 'two' },
        { pattern: three, target: 'three' },
      ],
      String,
      (a, b) => a !== b,
    );
    expect(router.find('/rooms/5')).toMatchObject({
      target: 'one',
      params: { room: '5' },
      rivals: [{ target: 'one' }, { target: 'two' }],
    });
    expect(router.find('/rooms/lobby')).toMatchObject({ target: 'three', rivals: undefined });
  });

  it('throws for broken percent-encoding, where a parameter would have to be decoded', () => {
    expect(() => routerOf('/rooms/:room').find('/rooms/%')).toThrow(URIError);
  });
});
