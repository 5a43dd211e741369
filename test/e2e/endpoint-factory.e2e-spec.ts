import { describe, expect, it } from '@jest/globals';
import { Injectable, Scope, type Type } from '@nestjs/common';
import {
  Connection,
  OnMessage,
  WsEndpoint,
  WsEndpointPart,
  type RequestContext,
  type WsEndpointFactory,
} from '../../src/index.js';
import { bootError, startApp } from '../support/start-app.js';

@Injectable()
class Config {
  readonly path = 'from-config/:room';
  readonly maxPayloadBytes = 10;
}

@WsEndpointPart()
class Extra {
  @OnMessage('extra')
  extra(): string {
    return 'part';
  }
}

function endpointWith(options: WsEndpointFactory): Type {
  @WsEndpoint(options)
  class Made {
    #calls = 0;

    @OnMessage('echo')
    echo(_connection: Connection, data: unknown): unknown {
      return [data, ++this.#calls];
    }
  }
  return Made;
}

describe('@WsEndpoint with a factory', () => {
  it('has path, limits, subprotocols and hooks from providers, also asynchronously', async () => {
    const Made = endpointWith({
      inject: [Config, { token: 'MISSING', optional: true }],
      useFactory: async ({ path, maxPayloadBytes }: Config, missing: unknown) => {
        await Promise.resolve();
        return {
          path,
          serializer: 'json' as const,
          protocols: [missing === undefined ? 'chat' : 'other'],
          limits: { maxPayloadBytes: maxPayloadBytes * 5 },
          handshake: (context: RequestContext) => (context.params['room'] === 'closed' ? { status: 403 } : undefined),
        };
      },
      parts: [Extra],
      scope: Scope.REQUEST,
    });
    const app = await startApp({ endpoints: [Made], providers: [Config, Extra] });
    const client = await app.connect('/ws/from-config/blue', { protocols: ['chat'] });
    expect(client.protocol).toBe('chat');
    for (const event of ['echo', 'extra']) void client.send({ event, data: 1 });
    expect(await client.nextJson()).toEqual({ event: 'echo', data: [1, 1] });
    expect(await client.nextJson()).toEqual({ event: 'extra', data: 'part' });
    const other = await app.connect('/ws/from-config/red');
    void other.send({ event: 'echo', data: 2 });
    expect(await other.nextJson()).toEqual({ event: 'echo', data: [2, 1] });
    void client.send('x'.repeat(60));
    expect(await client.closed()).toMatchObject({ code: 1009 });
    await expect(app.connect('/ws/from-config/closed')).rejects.toMatchObject({ status: 403 });
    expect(app.registry.url(Made, { room: 'blue' })).toMatch(/\/ws\/from-config\/blue$/);
  });

  it('may give a path alone', async () => {
    const app = await startApp({
      endpoints: [endpointWith({ useFactory: () => 'short' })],
      options: { serializer: 'json' },
    });
    const client = await app.connect('/ws/short');
    void client.send({ event: 'echo' });
    expect(await client.nextJson()).toMatchObject({ event: 'echo' });
  });

  it.each<[string, object, RegExp]>([
    [
      'a provider that is missing',
      { inject: [Config], useFactory: () => 'x' },
      /@WsEndpoint of Made: useFactory cannot have Config\. Provide it/,
    ],
    [
      'a factory that throws',
      {
        useFactory: () => {
          throw new Error('no file');
        },
      },
      /@WsEndpoint of Made: useFactory failed\. .*no file/,
    ],
    [
      'a factory that rejects',
      { useFactory: () => Promise.reject(new Error('no file')) },
      /useFactory failed\. .*no file/,
    ],
    [
      'options beside the factory',
      { useFactory: () => 'x', path: 'y' },
      /has path beside a factory\..*Options go into what useFactory gives/,
    ],
    [
      'a list of providers without a factory',
      { inject: [] },
      /useFactory must be a function that gives options, not undefined/,
    ],
    ['no list of providers', { inject: Config, useFactory: () => 'x' }, /inject must be a list of providers/],
    [
      'a result that is none',
      { useFactory: () => undefined },
      /useFactory gave undefined; it gives an object of options, or a path/,
    ],
    [
      'an unknown option in the result',
      { useFactory: () => ({ pathh: 'x' }) },
      /does not know the option "pathh"\. Did you mean path\?/,
    ],
    ['what comes too late', { useFactory: () => ({ scope: Scope.REQUEST }) }, /scope has its place beside useFactory/],
  ])('is an error at boot for %s', async (_what, options, message) => {
    const error = await bootError({
      endpoints: [endpointWith(options as WsEndpointFactory)],
      options: { serializer: 'json' },
    });
    expect(error.message).toMatch(message);
  });
});
