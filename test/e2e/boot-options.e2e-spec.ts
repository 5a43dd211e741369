import { describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
  type WsEndpointOptions,
} from '../../src/index.js';
import { bootError, startApp, type AppSpec } from '../support/start-app.js';

const noClass = { schema: 'json' };

describe('options that stop the application', () => {
  it.each<[string, object, string]>([
    ['unknown', { serialiser: 'json' }, 'does not know the option "serialiser". Known are: serializer,'],
    ['unknown, a prototype name', { constructor: 1 }, 'does not know the option "constructor"'],
    ['path', { path: 5 }, 'path must be a string, not 5.'],
    [
      'serializer',
      { serializer: 'xml' },
      `serializer must be 'raw', 'json', or an object or class with encode and decode, not "xml".`,
    ],
    ['serializer, an object without the methods', { serializer: noClass }, 'serializer must be'],
    ['handshake', { handshake: 'hook' }, 'handshake must be a function or a class, not "hook".'],
    ['login', { login: true }, 'login must be a function or a class, not true.'],
    ['onError', { onError: {} }, 'onError must be a function or a class, not {}.'],
    ['origin', { origin: 'https://app.example' }, `origin must be 'same-origin', '*', a list`],
    ['origin, a member of the list', { origin: ['https://app.example', 5] }, 'origin must be'],
    ['protocols', { protocols: 'v1' }, 'protocols must be a list of names, not "v1".'],
    ['protocols, a member of the list', { protocols: ['v1', 2] }, 'protocols must be'],
    ['concurrency', { concurrency: 0 }, 'concurrency must be a whole number above 0, not 0.'],
    ['concurrency, half a message', { concurrency: 1.5 }, 'concurrency must be'],
    ['handshakeTimeoutMs', { handshakeTimeoutMs: -1 }, 'handshakeTimeoutMs must be a number of at least 0, not -1.'],
    ['handshakeTimeoutMs, no number', { handshakeTimeoutMs: Number.NaN }, 'handshakeTimeoutMs must be'],
    ['closeTimeoutMs', { closeTimeoutMs: '5s' }, 'closeTimeoutMs must be'],
    ['trustProxy', { trustProxy: null }, 'trustProxy must be'],
    ['trustProxy, no address', { trustProxy: 'nowhere' }, 'trustProxy cannot be read'],
    ['useGlobalPrefix', { useGlobalPrefix: 'api' }, 'useGlobalPrefix must be true or false, not "api".'],
    ['heartbeat', { heartbeat: true }, 'heartbeat must be false, or'],
    [
      'heartbeat.intervalMs',
      { heartbeat: { intervalMs: 0 } },
      'heartbeat.intervalMs must be a whole number above 0, not 0.',
    ],
    [
      'heartbeat, an unknown member',
      { heartbeat: { interval: 1 } },
      'heartbeat does not know "interval"; known are: intervalMs, timeoutMs.',
    ],
    ['shutdown.code', { shutdown: { code: 1006 } }, 'shutdown.code must be a close code that may be sent, not 1006.'],
    ['shutdown.reason', { shutdown: { reason: 5 } }, 'shutdown.reason must be a string, not 5.'],
    ['limits', { limits: 65_536 }, 'limits must be an object with any of'],
    [
      'limits.maxPayloadBytes',
      { limits: { maxPayloadBytes: '1mb' } },
      'limits.maxPayloadBytes must be a number of at least 0, not "1mb".',
    ],
    [
      'limits.maxPendingMessages',
      { limits: { maxPendingMessages: 0 } },
      'limits.maxPendingMessages must be a whole number above 0, not 0.',
    ],
    ['limits.overflow', { limits: { overflow: 'block' } }, `limits.overflow must be 'close' or 'drop', not "block".`],
    ['limits, an unknown member', { limits: { maxPayload: 1 } }, 'limits does not know "maxPayload"; known are:'],
    ['a BigInt', { concurrency: 1n }, 'concurrency must be a whole number above 0, not 1.'],
    [
      'a function where a value belongs',
      { path: function pathOf() {} },
      'path must be a string, not the function pathOf.',
    ],
  ])('forRoot: %s', async (_what, options, message) => {
    const error = await bootError({ options });
    expect(error.message).toContain('PlackWebSocketModule.forRoot');
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'configuration' });
  });

  it.each<[string, object, string]>([
    ['unknown', { room: 'a' }, 'does not know the option "room"'],
    ['of the module only', { trustProxy: true }, 'does not know the option "trustProxy"'],
    ['path', { path: ['a', 'b'] }, 'path must be a string, not ["a","b"].'],
    ['serializer', { serializer: 'yaml' }, 'serializer must be'],
    ['limits, an unknown member', { limits: { maxBytes: 5 } }, 'limits does not know "maxBytes"'],
    ['durable', { durable: 'yes' }, 'durable must be true or false, not "yes".'],
    [
      'a limit of all connections together',
      { limits: { maxTotalQueuedBytes: 1 } },
      'limits.maxTotalQueuedBytes counts for all endpoints together. Set it in PlackWebSocketModule.forRoot.',
    ],
    ['a limit of the process', { limits: { maxEventLoopDelayMs: 50 } }, 'limits.maxEventLoopDelayMs counts for all'],
    ['a limit of handshakes', { limits: { maxPendingHandshakes: 5 } }, 'limits.maxPendingHandshakes counts for all'],
  ])('@WsEndpoint: %s', async (_what, options, message) => {
    @WsEndpoint(options)
    class Room {}
    const error = await bootError({ endpoints: [Room] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain('@WsEndpoint of Room');
    expect(error.message).toContain(message);
  });

  it.each<[string, AppSpec['options']]>([
    ['handshake', { handshake: class Empty {} as never }],
    ['login', { login: class Empty {} as never }],
    ['onError', { onError: class Empty {} as never }],
  ])('a class given as %s without that method', async (method, options) => {
    @WsEndpoint('room')
    class Room {}
    const error = await bootError({ endpoints: [Room], options: options ?? {} });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain(`the class Empty given as ${method} has no method ${method}()`);
  });

  it('a serializer class without the methods', async () => {
    class Half {
      encode(): string {
        return '';
      }
    }
    @WsEndpoint({ path: 'room', serializer: Half as never })
    class Room {}
    const error = await bootError({ endpoints: [Room] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toMatch(/@WsEndpoint of Room.*encode\(value\) and decode\(data, isBinary\)/);
  });

  it('a hook whose dependencies nobody provides', async () => {
    class Unknown {}
    @Reflect.metadata('design:paramtypes', [Unknown])
    class Needy {
      constructor(readonly unknown: Unknown) {}

      handshake(): void {}
    }
    @WsEndpoint('room')
    class Room {}
    const error = await bootError({ endpoints: [Room], options: { handshake: Needy } });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toContain('Needy cannot be built');
  });
});

describe('options that do not', () => {
  it('undefined stands for the default', async () => {
    const nothing = {
      path: undefined,
      serializer: undefined,
      limits: { maxPayloadBytes: undefined },
      heartbeat: undefined,
    };
    @WsEndpoint({
      path: 'echo',
      serializer: undefined,
      limits: { maxPendingMessages: undefined },
    } as unknown as WsEndpointOptions)
    class Echo {
      @OnMessage()
      echo(message: string): string {
        return message;
      }
    }
    const app = await startApp({ endpoints: [Echo], options: nothing as unknown as PlackWebSocketModuleOptions });
    const client = await app.connect('/ws/echo');
    void client.send('x'.repeat(65_536));
    expect((await client.next()).length).toBe(65_536);
    void client.send('x'.repeat(65_537));
    expect((await client.closed()).code).toBe(1009);
  });

  it('an option of an endpoint goes before the one of the module, limit by limit', async () => {
    @WsEndpoint({ path: 'own', serializer: 'json', limits: { maxPayloadBytes: 20 } })
    class Own {
      @OnMessage('ask')
      answer(): string {
        return 'own';
      }
    }
    const app = await startApp({
      endpoints: [Own],
      options: { serializer: 'raw', limits: { maxPayloadBytes: 5, maxFragments: 2 } },
    });
    const client = await app.connect('/ws/own');
    void client.send({ event: 'ask' });
    expect(await client.nextJson()).toEqual({ event: 'ask', data: 'own' });
    void client.send('x'.repeat(21));
    expect((await client.closed()).code).toBe(1009);
  });
});
