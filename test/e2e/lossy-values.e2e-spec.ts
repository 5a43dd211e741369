import { afterEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Connection, JsonSerializer, OnMessage, WsEndpoint } from '../../src/index.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const VALUES: Readonly<Record<string, () => unknown>> = {
  map: () => ({ members: new Map([['ada', 1]]) }),
  set: () => new Set([1]),
  error: () => [{ reason: new Error('full') }],
  'not a number': () => ({ mean: 0 / 0 }),
  infinity: () => [1, Infinity],
  function: () => ({ next: () => 1 }),
  symbol: () => [Symbol('a')],
  promise: () => ({ rows: Promise.resolve([]) }),
  pattern: () => ({ pattern: /a/ }),
  'bad date': () => ({ at: new Date(NaN) }),
  bytes: () => ({ photo: new Uint8Array([1, 2]) }),
  fine: () => ({ at: new Date(0), none: undefined, list: [null, undefined, true, 'a', 1.5, Buffer.from('a')] }),
  'with its own form': () => ({ map: Object.assign(new Map(), { toJSON: () => ({ a: 1 }) }) }),
  cycle: () => {
    const cycle: Record<string, unknown> = {};
    return (cycle['self'] = cycle);
  },
  'a throwing getter': () => ({
    get odd() {
      throw new Error('odd');
    },
  }),
};

function endpoint(path = 'lossy', serializer: 'json' | JsonSerializer = 'json'): Type {
  @WsEndpoint({ path, serializer })
  class Lossy {
    @OnMessage('give')
    give(name: string): unknown {
      return { given: VALUES[name]?.() };
    }

    @OnMessage('push')
    push(connection: Connection, name: string): void {
      void connection.send({ given: VALUES[name]?.() });
    }
  }
  return Lossy;
}

/** Asks for values one after the other, and gives the warnings. */
async function warnings(app: StartedApp, event: string, names: readonly string[]): Promise<string[]> {
  const client = await app.connect('/ws/lossy');
  for (const data of names) {
    void client.send({ event, data });
    await client.next();
  }
  return app.logs.at('warn');
}

describe('a value that JSON cannot carry', () => {
  it.each([
    ['map', 'a Map at given.members, which leaves as {}'],
    ['set', 'a Set at given, which leaves as {}'],
    ['error', 'an Error at given.0.reason, which leaves as {}'],
    ['not a number', 'NaN at given.mean, which leaves as null'],
    ['infinity', 'Infinity at given.1, which leaves as null'],
    ['function', 'a function at given.next, which is left out'],
    ['symbol', 'a symbol at given.0, which leaves as null'],
    ['promise', 'a promise at given.rows, which leaves as {}'],
    ['pattern', 'a RegExp at given.pattern, which leaves as {}'],
    ['bad date', 'an invalid Date at given.at, which leaves as null'],
    ['bytes', 'bytes at given.photo, which leave as an object of numbers'],
  ])('is warned of with its place: %s', async (name, told) => {
    const app = await startApp({ endpoints: [endpoint()] });
    expect(await warnings(app, 'give', [name])).toEqual([expect.stringContaining(`Lossy sends ${told}: `)]);
    expect(app.logs.at('warn')[0]).toContain(
      'Convert it before it is sent. Told once for each endpoint, not in production.',
    );
  });

  it('is warned of once for each endpoint, on each way', async () => {
    const app = await startApp({ endpoints: [endpoint(), endpoint('other')] });
    expect(await warnings(app, 'push', ['fine', 'map', 'set', 'map'])).toHaveLength(1);
    const other = await app.connect('/ws/other');
    void other.send({ event: 'push', data: 'set' });
    await other.next();
    expect(app.logs.at('warn')).toHaveLength(2);
  });

  it.each(['fine', 'with its own form'])('is none of these: %s', async (name) => {
    const app = await startApp({ endpoints: [endpoint()] });
    expect(await warnings(app, 'give', [name])).toEqual([]);
  });

  it.each(['cycle', 'a throwing getter'])('is left to the encoding where that fails: %s', async (name) => {
    const app = await startApp({ endpoints: [endpoint()] });
    expect(await warnings(app, 'give', [name])).toEqual([]);
    expect(app.logs.at('error')).toHaveLength(1);
  });

  it('is no news where a transform shapes it', async () => {
    const transform = (value: unknown): unknown => ({ plain: typeof value });
    const app = await startApp({ endpoints: [endpoint('lossy', new JsonSerializer({ transform }))] });
    expect(await warnings(app, 'give', ['map'])).toEqual([]);
  });

  describe('in production', () => {
    const before = process.env['NODE_ENV'];
    afterEach(() => {
      process.env['NODE_ENV'] = before;
    });

    it('is not looked for', async () => {
      process.env['NODE_ENV'] = 'production';
      const app = await startApp({ endpoints: [endpoint()] });
      expect(await warnings(app, 'give', ['map'])).toEqual([]);
    });
  });
});
