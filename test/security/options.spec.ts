import { describe, expect, it } from '@jest/globals';
import { OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import { bootError, startApp, type StartedApp } from '../support/start-app.js';

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

function boot(options: PlackWebSocketModuleOptions): Promise<StartedApp> {
  return startApp({ endpoints: [Echo], options });
}

describe('an origin function', () => {
  it.each<[string, unknown]>([
    ['-1, as indexOf says of what it did not find', -1],
    ['1', 1],
    ['a text', 'no'],
    ['an object', {}],
    ['nothing', undefined],
    ['null', null],
    ['a promise of a number', Promise.resolve(-1)],
    ['a promise of a text', Promise.resolve('false')],
  ])('that answers %s does not let in', async (_what, answer) => {
    const app = await boot({ origin: () => answer as boolean });
    await expect(app.connect('/ws/echo', { origin: 'https://evil.example' })).rejects.toMatchObject({ status: 403 });
  });

  it.each<[string, unknown]>([
    ['true', true],
    ['a promise of true', Promise.resolve(true)],
  ])('that answers %s lets in', async (_what, answer) => {
    const app = await boot({ origin: () => answer as boolean });
    const client = await app.connect('/ws/echo', { origin: 'https://evil.example' });
    expect(client.state).toBe('open');
  });
});

describe('the handshake hook of the module', () => {
  it('holds for an endpoint with a hook of its own, unless that one leaves it out in words', async () => {
    @WsEndpoint({ path: 'own', handshake: () => undefined })
    class Own extends Echo {}
    @WsEndpoint({ path: 'open', handshake: { replace: () => undefined } })
    class Open extends Echo {}
    const app = await startApp({
      endpoints: [Own, Open],
      options: { handshake: ({ query }) => (query['key'] === '1' ? undefined : { status: 401 }) },
    });
    await expect(app.connect('/ws/own')).rejects.toMatchObject({ status: 401 });
    await app.connect('/ws/own?key=1');
    await app.connect('/ws/open');
  });
});

describe('a limit that would be none', () => {
  it.each<[string, PlackWebSocketModuleOptions]>([
    ['limits.maxPayloadBytes', { limits: { maxPayloadBytes: 2 ** 32 } }],
    ['limits.maxFragments', { limits: { maxFragments: 0.5 } }],
    ['limits.maxTotalQueuedBytes', { limits: { maxTotalQueuedBytes: Number.NaN } }],
    ['handshakeTimeoutMs', { handshakeTimeoutMs: 2 ** 31 }],
    ['heartbeat.timeoutMs', { heartbeat: { timeoutMs: Number.POSITIVE_INFINITY } }],
    ['compression.level', { compression: { level: 0 } }],
  ])('stops the application: %s', async (path, options) => {
    const error = await bootError({ endpoints: [Echo], options });
    expect(error.message).toMatch(new RegExp(`^PlackWebSocketModule\\.forRoot: ${path.replace('.', '\\.')} must be `));
  });

  it('is the default where it is undefined, in a group of the module as well', async () => {
    const nothing = { limits: { maxPendingHandshakes: undefined, maxPayloadBytes: undefined } };
    const app = await boot(nothing as unknown as PlackWebSocketModuleOptions);
    const client = await app.connect('/ws/echo');
    void client.send('x'.repeat(65_537));
    expect((await client.closed()).code).toBe(1009);
  });
});

describe('an origin pattern', () => {
  it.each<[string, RegExp]>([
    ['open at both ends', /app\.example/],
    ['open at its end', /^https:\/\/app\.example/],
    ['open at its beginning', /app\.example$/],
    ['one of whose branches is open', /^https:\/\/a\.example$|b\.example$/],
  ])('%s is warned of at boot', async (_what, pattern) => {
    const app = await boot({ origin: ['https://app.example', pattern] });
    expect(app.logs.at('warn')).toEqual([
      `PlackWebSocketModule.forRoot: origin[1] is ${String(pattern)}, which also fits a part of a longer origin, as of ` +
        `https://app.example.evil.example. Begin the pattern with ^ and end it with $. PlackWebSocket`,
    ]);
  });

  it('of an endpoint is warned of with its class', async () => {
    @WsEndpoint({ path: 'own', origin: [/own/] })
    class Own {
      @OnMessage()
      echo(): void {}
    }
    const app = await startApp({ endpoints: [Own] });
    expect(app.logs.at('warn').join()).toContain('@WsEndpoint of Own: origin[0] is /own/,');
  });

  it('that fits whole origins only is not', async () => {
    const app = await boot({ origin: [/^https:\/\/[a-z]+\.app\.example$/, /^(?:https:\/\/a\.b|null)$/] });
    expect(app.logs.at('warn')).toEqual([]);
  });
});
