import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  ForbiddenException,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException, type OnGatewayConnection } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { Gate } from '../../support/journal.js';
import { OURS, startGateways } from './start-gateways.js';

class Rude extends Error {}

@Catch(Rude)
class Polite implements ExceptionFilter {
  async catch(error: Rude, host: ArgumentsHost): Promise<void> {
    await Promise.resolve();
    const { getClient, getData, getPattern } = host.switchToWs();
    const told = { event: 'polite', data: [error.message, getData(), getPattern(), host.getType()] };
    getClient<WebSocket>().send(JSON.stringify(told));
  }
}

@Catch(WsException)
class Falling implements ExceptionFilter {
  catch(): never {
    throw new Error('a filter that fails');
  }
}

@Injectable({ scope: Scope.REQUEST })
class Notes {}

const FAULTS: Readonly<Record<string, () => unknown>> = {
  text: () => new WsException('not you'),
  object: () => new WsException({ code: 7 }),
  http: () => new ForbiddenException('a secret'),
  error: () => new Error('a secret'),
  rude: () => new Rude('oh'),
};

function fail(client: WebSocket, how: string): unknown {
  const [, kind = '', way] = /(\w+)-(\w+)/.exec(how) ?? [];
  const error = FAULTS[kind]?.();
  if (way === 'rejects') return Promise.reject(error);
  if (error !== undefined) throw error;
  client.send('welcome');
  return undefined;
}

@UseFilters(Polite)
@WebSocketGateway({ path: '/singleton' })
class Singleton implements OnGatewayConnection {
  handleConnection(client: WebSocket, request: { url?: string }): unknown {
    return fail(client, request.url?.split('?')[1] ?? '');
  }
}

@UseFilters(Polite)
@WebSocketGateway({ path: '/scoped' })
class Scoped implements OnGatewayConnection {
  constructor(@Inject(Notes) readonly notes: Notes) {}

  handleConnection(client: WebSocket, request: { url?: string }): unknown {
    return fail(client, request.url?.split('?')[1] ?? '');
  }
}

@UseFilters(Falling)
@WebSocketGateway({ path: '/falling' })
class WithFallingFilter implements OnGatewayConnection {
  handleConnection(): never {
    throw new WsException('not you');
  }
}

const exception = (data: object): object => ({ event: 'exception', data });

// The stock adapter of Nest 12.1 lets each of these end the process.
describe.each(OURS)('handleConnection that throws on $name', (installation) => {
  const spec = { providers: [Notes] };

  it.each(
    ['/singleton', '/scoped'].flatMap((path) =>
      ['throws', 'rejects'].flatMap((way) => [
        [path, `text-${way}`, exception({ status: 'error', message: 'not you' })] as const,
        [path, `object-${way}`, exception({ code: 7 })] as const,
        [path, `http-${way}`, exception({ status: 'error', message: 'Internal server error' })] as const,
        [path, `error-${way}`, exception({ status: 'error', message: 'Internal server error' })] as const,
        [path, `rude-${way}`, { event: 'polite', data: ['oh', null, 'handleConnection', 'ws'] }] as const,
      ]),
    ),
  )('tells the client as for a message, and closes: %s, %s', async (path, how, told) => {
    const app = await startGateways([Singleton, Scoped], spec, installation);
    const client = await app.connect(`${path}?${how}`);
    expect(await client.nextJson()).toEqual(told);
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(app.logs.at('error')).toHaveLength(how.startsWith('error') ? 1 : 0);
  });

  it('tells the client also where its filter fails', async () => {
    const app = await startGateways([WithFallingFilter], {}, installation);
    const client = await app.connect('/falling');
    expect(await client.nextJson()).toEqual(exception({ status: 'error', message: 'not you' }));
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(app.logs.at('error').join('\n')).toContain('a filter that fails');
  });
});

describe.each(OURS)('handleConnection that awaits a message of its own client on $name', (installation) => {
  it('is named in the log', async () => {
    const loggedIn = new Gate();
    @WebSocketGateway({ path: '/login' })
    class Login implements OnGatewayConnection {
      async handleConnection(): Promise<void> {
        await loggedIn.opened;
      }
      @SubscribeMessage('login')
      login(): void {
        loggedIn.open();
      }
    }
    const app = await startGateways([Login], { options: { handshakeTimeoutMs: 30 } }, installation);
    const client = await app.connect('/login');
    await client.send({ event: 'login' });
    await app.logs.waitFor('warn', /Login/);
    expect(app.logs.at('warn').join('\n')).toMatch(
      /Login\.handleConnection goes on for 30 ms.*never ends: take the message in a method/,
    );
  });

  it('is not named where it has settled', async () => {
    @WebSocketGateway({ path: '/quick' })
    class Quick implements OnGatewayConnection {
      async handleConnection(client: WebSocket): Promise<void> {
        await Promise.resolve();
        client.send('welcome');
      }
    }
    const app = await startGateways([Quick], { options: { handshakeTimeoutMs: 1 } }, installation);
    expect(await (await app.connect('/quick')).next()).toBe('welcome');
    await app.app.close();
    expect(app.logs.at('warn')).toEqual([]);
  });
});
