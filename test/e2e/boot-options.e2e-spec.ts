import { describe, expect, it } from '@jest/globals';
import {
  ConfigurationError,
  OnEstablish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
  type WsEndpointOptions,
} from '../../src/index.js';
import { bootError, startApp, type AppSpec } from '../support/start-app.js';

const noClass = { schema: 'json' };

describe('options that stop the application', () => {
  it.each<[string, object, string]>([
    [
      'unknown',
      { serialiser: 'json' },
      'does not know the option "serialiser". Did you mean serializer? The others are: ',
    ],
    ['unknown, a prototype name', { constructor: 1 }, 'does not know the option "constructor"'],
    ['path', { path: 5 }, 'path must be a string, not 5.'],
    [
      'serializer',
      { serializer: 'xml' },
      `serializer must be 'raw', 'json', or an object or class with encode and decode, not "xml".`,
    ],
    ['serializer, an object without the methods', { serializer: noClass }, 'serializer must be'],
    ['handshake', { handshake: 'hook' }, 'handshake must be a function or a class, not "hook".'],
    [
      'handshake, which is an option of the module itself',
      { handshake: { replace: () => undefined } },
      'handshake must be a function or a class, not {}.',
    ],
    ['login', { login: true }, 'login must be a function or a class, not true.'],
    ['onError', { onError: {} }, 'onError must be a function or a class, not {}.'],
    ['origin', { origin: 'https://app.example' }, `origin must be 'same-origin', '*', a list`],
    [
      'origin, a member of the list',
      { origin: ['https://app.example', 5] },
      'origin[1] must be an origin or a pattern, not 5.',
    ],
    ['protocols', { protocols: 'v1' }, 'protocols must be a list of names, not "v1".'],
    ['protocols, a member of the list', { protocols: ['v1', 2] }, 'protocols[1] must be a name, not 2.'],
    ['concurrency', { concurrency: 0 }, 'concurrency must be a whole number of messages, at least 1, not 0.'],
    ['concurrency, half a message', { concurrency: 1.5 }, 'concurrency must be'],
    [
      'handshakeTimeoutMs',
      { handshakeTimeoutMs: -1 },
      'handshakeTimeoutMs must be 0 (no limit) or a whole number of milliseconds between 1 and 2147483647, not -1.',
    ],
    [
      'handshakeTimeoutMs, no number',
      { handshakeTimeoutMs: Number.NaN },
      'milliseconds between 1 and 2147483647, not NaN.',
    ],
    ['closeTimeoutMs', { closeTimeoutMs: '5s' }, 'closeTimeoutMs must be'],
    ['trustProxy', { trustProxy: null }, 'trustProxy must be'],
    ['trustProxy, no address', { trustProxy: 'nowhere' }, 'trustProxy cannot be read'],
    ['useGlobalPrefix', { useGlobalPrefix: 'api' }, 'useGlobalPrefix must be true or false, not "api".'],
    [
      'heartbeat',
      { heartbeat: true },
      'heartbeat must be false or an object with any of intervalMs, timeoutMs, not true.',
    ],
    [
      'heartbeat.intervalMs',
      { heartbeat: { intervalMs: 0 } },
      'heartbeat.intervalMs must be a whole number of milliseconds between 1 and 2147483647, not 0.',
    ],
    [
      'heartbeat, an unknown member',
      { heartbeat: { interval: 1 } },
      'does not know the option "heartbeat.interval". Did you mean heartbeat.intervalMs? The others are: timeoutMs.',
    ],
    ['shutdown.code', { shutdown: { code: 1006 } }, 'shutdown.code must be a close code that may be sent, not 1006.'],
    ['shutdown.reason', { shutdown: { reason: 5 } }, 'shutdown.reason must be a string, not 5.'],
    ['limits', { limits: 65_536 }, 'limits must be an object with any of'],
    [
      'limits.maxPayloadBytes',
      { limits: { maxPayloadBytes: '1mb' } },
      'limits.maxPayloadBytes must be 0 (no limit) or a whole number of bytes between 1 and 2147483647, not "1mb".',
    ],
    [
      'limits.maxPendingMessages',
      { limits: { maxPendingMessages: 0 } },
      'limits.maxPendingMessages must be a whole number of messages, at least 1, not 0.',
    ],
    [
      'limits.maxPayloadBytes, which would be no limit at all in 32 bits',
      { limits: { maxPayloadBytes: 2 ** 32 } },
      'whole number of bytes between 1 and 2147483647, not 4294967296.',
    ],
    [
      'limits.maxFragments, half a frame',
      { limits: { maxFragments: 0.5 } },
      'limits.maxFragments must be 0 (no limit) or a whole number of frames between 1 and 2147483647, not 0.5.',
    ],
    [
      'closeTimeoutMs, more than a timer can wait',
      { closeTimeoutMs: 2 ** 31 },
      'closeTimeoutMs must be a whole number of milliseconds between 1 and 2147483647, not 2147483648.',
    ],
    [
      'an option in the wrong place',
      { maxConnections: 5 },
      'does not know the option "maxConnections". Did you mean limits.maxConnections?',
    ],
    ['limits.overflow', { limits: { overflow: 'block' } }, `limits.overflow must be 'close' or 'drop', not "block".`],
    [
      'limits, an unknown member',
      { limits: { maxPayload: 1 } },
      'does not know the option "limits.maxPayload". Did you mean limits.maxPayloadBytes? The others are: ',
    ],
    ['a BigInt', { concurrency: 1n }, 'concurrency must be a whole number of messages, at least 1, not 1n.'],
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
    [
      'of the module only',
      { trustProxy: true },
      'does not know the option "trustProxy". It belongs to the module: set it in PlackWebSocketModule.forRoot.',
    ],
    ['path', { path: ['a', 'b'] }, 'path must be a string, not ["a","b"].'],
    ['serializer', { serializer: 'yaml' }, 'serializer must be'],
    [
      'limits, an unknown member',
      { limits: { maxBytes: 5 } },
      'does not know the option "limits.maxBytes". Known are: ',
    ],
    ['handshake', { handshake: {} }, 'handshake.replace must be a function or a class, not undefined.'],
    [
      'handshake, an unknown member',
      { handshake: { replaces: () => undefined } },
      'does not know the option "handshake.replaces". Did you mean handshake.replace?',
    ],
    ['scope', { scope: 3 }, 'scope must be a Scope of @nestjs/common, not 3.'],
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
    class Room {
      @OnEstablish()
      enter(): void {}
    }
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
    class Room {
      @OnEstablish()
      enter(): void {}
    }
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
    class Room {
      @OnEstablish()
      enter(): void {}
    }
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
    class Room {
      @OnEstablish()
      enter(): void {}
    }
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

  it('undefined in a group stands for the default too', async () => {
    const nothing = { shutdown: { code: undefined, reason: undefined, graceMs: undefined } };
    @WsEndpoint('quiet')
    class Quiet {
      @OnMessage()
      answer(): void {}
    }
    const app = await startApp({ endpoints: [Quiet], options: nothing as unknown as PlackWebSocketModuleOptions });
    const client = await app.connect('/ws/quiet');
    await app.app.close();
    expect(await client.closed()).toMatchObject({ code: 1001, reason: 'server shutting down' });
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
