import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Injectable, UseGuards, type CanActivate } from '@nestjs/common';
import {
  Connection,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type RequestContext,
  type WsEndpointOptions,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { TestClientError } from '../../src/testing.js';

interface Store {
  readonly path: string;
  calls: number;
}

const storage = new AsyncLocalStorage<Store>();
const stores = new WeakMap<RequestContext, Store>();

/** One store for all callbacks of a connection, as context libraries have it. */
function keep(context: RequestContext, next: () => unknown): unknown {
  const store = stores.get(context) ?? { path: context.path, calls: 0 };
  stores.set(context, store);
  store.calls++;
  return storage.run(store, next);
}

const seen = new Journal<[where: string, path: string | undefined, calls: number | undefined]>();

function look(where: string): void {
  const store = storage.getStore();
  seen.add([where, store?.path, store?.calls]);
}

@Injectable()
class Looking implements CanActivate {
  async canActivate(): Promise<boolean> {
    await nextTurn();
    look('guard');
    return true;
  }
}

async function boot(around: NonNullable<WsEndpointOptions['around']>): Promise<StartedApp> {
  seen.entries.splice(0);

  @WsEndpoint({ path: 'rooms', serializer: 'json', around })
  class Rooms {
    @UseGuards(Looking)
    @OnEstablish()
    async enter(connection: Connection): Promise<void> {
      await nextTurn();
      look('establish');
      connection.on('message', () => look('listener'));
      connection.on('finish', () => look('finish listener'));
    }

    @OnMessage('say')
    async say(_connection: Connection, text: string): Promise<string> {
      await nextTurn();
      look('message');
      return text;
    }

    @OnFinish()
    async leave(): Promise<void> {
      await nextTurn();
      look('finish');
    }
  }
  return startApp({
    endpoints: [Rooms],
    options: {
      middleware: [
        (_request: never, _response: never, next: () => void) => {
          look('middleware');
          next();
        },
      ],
      login: async () => {
        await nextTurn();
        look('login');
        return true;
      },
      handshake: () => look('hook'),
    },
  });
}

describe('around', () => {
  it('runs around handshake, establish, each message and finish, with one context', async () => {
    const app = await boot(keep);
    const client = await app.connect('/ws/rooms');
    void client.send({ event: 'say', data: 'hello' });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'hello' });
    await client.close();
    await seen.reached(9);
    const path = '/ws/rooms';
    expect(seen.entries).toEqual([
      ['middleware', path, 1],
      ['login', path, 1],
      ['hook', path, 1],
      ['guard', path, 1],
      ['establish', path, 2],
      ['listener', path, 3],
      ['message', path, 3],
      ['finish listener', path, 4],
      ['finish', path, 4],
    ]);
    expect(storage.getStore()).toBeUndefined();
  });

  it('may be asynchronous, if it calls next before it waits', async () => {
    const app = await boot(async (context, next) => {
      await keep(context, next);
      await nextTurn();
    });
    const client = await app.connect('/ws/rooms');
    void client.send({ event: 'say', data: 'hello' });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'hello' });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no store');
      },
    ],
    ['does not call next', () => undefined],
    [
      'calls next too late',
      async (_context: RequestContext, next: () => unknown) => {
        await nextTurn();
        next();
      },
    ],
  ])('that %s refuses the handshake with 500', async (_name, around) => {
    const app = await boot(around);
    const refused = await app.connect('/ws/rooms').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TestClientError);
    expect(refused).toMatchObject({ status: 500 });
    expect(seen.entries.map(([where]) => where)).not.toContain('guard');
  });

  it('that throws at a message answers it with an error, and the finish runs all the same', async () => {
    let isBroken = false;
    const app = await boot((context, next) => {
      if (isBroken) throw new Error('no store');
      return keep(context, next);
    });
    const client = await app.connect('/ws/rooms');
    isBroken = true;
    void client.send({ event: 'say', data: 'hello' });
    expect(await client.nextJson()).toMatchObject({ event: 'error', data: { code: 'internal_error' } });
    await client.close();
    await seen.reached(7);
    expect(seen.entries.at(-1)?.[0]).toBe('finish');
  });

  it('that catches what a handler throws changes nothing', async () => {
    const app = await boot((context, next) => {
      try {
        return keep(context, next);
      } catch {
        return undefined;
      }
    });
    const client = await app.connect('/ws/rooms');
    void client.send({ event: 'say', data: 'hello' });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'hello' });
  });
});
