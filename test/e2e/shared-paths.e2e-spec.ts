import { describe, expect, it } from '@jest/globals';
import { Param, type Type } from '@nestjs/common';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  OnMessage,
  WsEndpoint,
  type RequestContext,
  type WsEndpointOptions,
} from '../../src/index.js';
import { HandshakeRefusedError } from '../../src/testing.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/** An endpoint that says who it is, as soon as somebody comes. */
function endpoint(name: string, options: WsEndpointOptions): Type {
  @WsEndpoint(options)
  class Named {
    @OnEstablish()
    enter(connection: Connection, @Param() params: Record<string, string>): void {
      void connection.send([name, connection.protocol, ...Object.entries(params).flat()].join(' '));
    }

    @OnMessage()
    hear(): void {}
  }
  Object.defineProperty(Named, 'name', { value: name });
  return Named;
}

async function who(
  app: StartedApp,
  path: string,
  options: { protocols?: string[]; host?: string } = {},
): Promise<unknown> {
  const { protocols, host } = options;
  try {
    const client = await app.connect(path, {
      ...(protocols === undefined ? {} : { protocols }),
      ...(host === undefined ? {} : { headers: { Host: host } }),
    });
    return await client.next();
  } catch (error) {
    if (error instanceof HandshakeRefusedError) return error.status;
    throw error;
  }
}

describe('endpoints on one path, told apart by subprotocols', () => {
  it('serves each client by what it prefers of what is spoken, and the others by the one without', async () => {
    const app = await startApp({
      endpoints: [
        endpoint('Old', { path: 'stations/:station', protocols: ['ocpp1.6', 'ocpp1.5'] }),
        endpoint('New', { path: 'stations/:id', protocols: ['ocpp2.0.1'], serializer: 'raw' }),
        endpoint('Rest', { path: 'stations/:name' }),
      ],
    });
    expect([
      await who(app, '/ws/stations/7', { protocols: ['ocpp1.6'] }),
      await who(app, '/ws/stations/7', { protocols: ['ocpp2.0.1', 'ocpp1.6'] }),
      await who(app, '/ws/stations/7', { protocols: ['ocpp1.5', 'ocpp2.0.1'] }),
      await who(app, '/ws/stations/7', { protocols: ['mqtt'] }).catch(String),
      await who(app, '/ws/stations/7'),
    ]).toEqual([
      'Old ocpp1.6 station 7',
      'New ocpp2.0.1 id 7',
      'Old ocpp1.5 station 7',
      expect.stringMatching(/subprotocol/),
      'Rest  name 7',
    ]);
    expect(app.logs.problems).toEqual([]);
  });

  it('refuses with 400 who speaks none of them where each endpoint has some, before any hook', async () => {
    const asked: unknown[] = [];
    const handshake = ({ protocol }: RequestContext): void => void asked.push(protocol);
    const app = await startApp({
      endpoints: [
        endpoint('Json', { path: 'feed', protocols: ['json'], handshake }),
        endpoint('Pack', { path: 'feed', protocols: ['msgpack'], handshake }),
      ],
    });
    expect([await who(app, '/ws/feed'), await who(app, '/ws/feed', { protocols: ['xml'] })]).toEqual([400, 400]);
    expect(asked).toEqual([]);
    // What the hook sees is what will be agreed on.
    expect(await who(app, '/ws/feed', { protocols: ['xml', 'msgpack'] })).toBe('Pack msgpack');
    expect(asked).toEqual(['msgpack']);
    expect((await app.fetch('/ws/feed')).status).toBe(426);
  });

  it('refuses with 400 where one is required, and serves without one where not', async () => {
    const app = await startApp({
      endpoints: [
        endpoint('Strict', { path: 'strict', protocols: ['v1'], protocolRequired: true }),
        endpoint('Mild', { path: 'mild', protocols: ['v1'] }),
      ],
    });
    expect([
      await who(app, '/ws/strict'),
      await who(app, '/ws/strict', { protocols: ['v2'] }),
      await who(app, '/ws/strict', { protocols: ['v2', 'v1'] }),
      await who(app, '/ws/mild'),
    ]).toEqual([400, 400, 'Strict v1', 'Mild ']);
    expect(app.logs.at('debug').join('\n')).toContain(
      'One of the subprotocols of Strict is needed: v1. The client offers none.',
    );
  });
});

describe('endpoints on one path, told apart by host', () => {
  it('serves each host by its endpoint, and the others by the one for all', async () => {
    const app = await startApp({
      options: { origin: '*' },
      endpoints: [
        endpoint('Api', { path: 'feed', host: 'api.example' }),
        endpoint('Shops', { path: 'feed', host: ['*.shops.example', 'shops.example:8443'] }),
        endpoint('All', { path: 'feed' }),
      ],
    });
    expect([
      await who(app, '/ws/feed', { host: 'api.example' }),
      await who(app, '/ws/feed', { host: 'API.example:81' }),
      await who(app, '/ws/feed', { host: 'tea.shops.example' }),
      await who(app, '/ws/feed', { host: 'shops.example:8443' }),
      await who(app, '/ws/feed', { host: 'shops.example' }),
      await who(app, '/ws/feed'),
    ]).toEqual(['Api ', 'Api ', 'Shops ', 'Shops ', 'All ', 'All ']);
  });

  it('is not there for other hosts, as a page either', async () => {
    const app = await startApp({ endpoints: [endpoint('Api', { path: 'feed', host: 'api.example' })] });
    expect([await who(app, '/ws/feed'), await who(app, '/ws/feed', { host: 'api.example' })]).toEqual([404, 'Api ']);
    expect((await app.fetch('/ws/feed')).status).toBe(404);
  });

  it('believes the host that a trusted proxy names', async () => {
    const app = await startApp({
      options: { trustProxy: 'loopback' },
      endpoints: [endpoint('Api', { path: 'feed', host: 'api.example' })],
    });
    const client = await app.connect('/ws/feed', { headers: { 'X-Forwarded-Host': 'api.example' } });
    expect(await client.next()).toBe('Api ');
    expect(app.app.get(ConnectionRegistry).size).toBe(1);
  });
});

describe('a trustProxy that fails where the host decides', () => {
  it('refuses the upgrade with 500, answers the page, and the process goes on', async () => {
    const trustProxy = (): boolean => {
      throw new Error('no proxies known');
    };
    const app = await startApp({
      options: { trustProxy },
      endpoints: [endpoint('Api', { path: 'feed', host: 'api.example' }), endpoint('Open', { path: 'open' })],
    });
    const forwarded = { headers: { Host: 'api.example', 'X-Forwarded-Host': 'api.example' } };
    await expect(app.connect('/ws/feed', forwarded)).rejects.toMatchObject({ status: 500 });
    expect((await app.fetch('/ws/feed', { headers: { 'X-Forwarded-Host': 'api.example' } })).status).toBe(404);
    expect(await who(app, '/ws/open')).toBe('Open ');
  });
});

describe('two endpoints for the same request', () => {
  it.each<[string, WsEndpointOptions, WsEndpointOptions]>([
    ['one path', {}, {}],
    ['one path with other names', { path: 'a/:x' }, { path: 'a/:y' }],
    ['a subprotocol of both', { protocols: ['a', 'b'] }, { protocols: ['b', 'c'] }],
    ['one host', { host: 'a.example' }, { host: ['b.example', 'A.example'] }],
    ['a host below', { host: '*.example' }, { host: 'a.example:81' }],
    ['one host, subprotocols of one', { host: 'a.example', protocols: ['a'] }, { host: 'a.example', protocols: ['a'] }],
  ])('are an error at boot that names both: %s', async (_what, one, other) => {
    await expect(startApp({ endpoints: [endpoint('One', one), endpoint('Other', other)] })).rejects.toThrow(
      /One \(.*\) and Other \(.*\) serve the same path\. Give one of them another path, host or subprotocol/,
    );
  });

  it.each<[string, WsEndpointOptions]>([
    ['protocolRequired needs protocols', { protocolRequired: true }],
    ["a host such as 'app.example'", { host: 'https://app.example' }],
    ["a host such as 'app.example'", { host: [''] }],
  ])('is a boot error as well: %s', async (message, options) => {
    await expect(startApp({ endpoints: [endpoint('Wrong', options)] })).rejects.toThrow(message);
  });
});
