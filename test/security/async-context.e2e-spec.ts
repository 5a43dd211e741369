import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint, type RequestContext } from '../../src/index.js';
import { frame, OPCODE } from '../support/raw-frame.js';
import { startApp } from '../support/start-app.js';

const als = new AsyncLocalStorage<string>();

/** What each place found in the store before it entered another one. */
let found: (string | undefined)[];
beforeEach(() => {
  found = [];
});

/** Clients that come with a name enter a store that stays. */
function enter(url: string | undefined): void {
  found.push(als.getStore());
  const name = url?.split('?')[1];
  if (name !== undefined) als.enterWith(name);
}

class AtOnce implements CanActivate {
  canActivate(host: ExecutionContext): boolean | Promise<boolean> {
    enter(host.switchToHttp().getRequest<Request>().url);
    return true;
  }
}

class Later implements CanActivate {
  async canActivate(host: ExecutionContext): Promise<boolean> {
    enter(host.switchToHttp().getRequest<Request>().url);
    await nextTurn();
    return true;
  }
}

class Room {
  @OnEstablish()
  tell(connection: Connection): void {
    void connection.send(als.getStore() ?? 'none');
  }
}

@UseGuards(AtOnce)
@WsEndpoint('guard-at-once')
class GuardAtOnce extends Room {}

@UseGuards(Later)
@WsEndpoint('guard-later')
class GuardLater extends Room {}

@WsEndpoint({ path: 'hook', handshake: ({ url }: RequestContext) => enter(url) })
class Hook extends Room {}

describe('what a handshake enters with AsyncLocalStorage', () => {
  it.each(['guard-at-once', 'guard-later', 'hook'])('is in no other handshake: %s', async (path) => {
    const app = await startApp({ endpoints: [GuardAtOnce, GuardLater, Hook] });
    const ada = await app.connect(`/ws/${path}?ada`);
    expect(await ada.next()).toBe('ada');
    const bob = await app.connect(`/ws/${path}`);
    expect(await bob.next()).toBe('none');
    await ada.terminate();
    for (let i = 0; i < 5; i++) expect(await (await app.connect(`/ws/${path}`)).next()).toBe('none');
    expect(found.filter((store) => store !== undefined)).toEqual([]);
  });

  it('is in no refusal of another client either', async () => {
    const stores: unknown[] = [];
    const app = await startApp({ endpoints: [Hook], options: { onError: () => void stores.push(als.getStore()) } });
    await app.connect('/ws/hook?ada');
    const peer = await app.peer();
    expect((await peer.upgrade({ path: '/ws/hook', key: 'bad' })).status).toBe(400);
    expect(stores).toEqual([undefined]);
  });
});

describe('what one event of a connection enters', () => {
  /** A message names the store that its handler enters; every place tells what it found. */
  class Entering {
    @OnEstablish()
    enter(connection: Connection): void {
      als.enterWith('establish');
      connection.on('message', (_connection, message) => {
        if (message === 'own') als.enterWith('own');
      });
      connection.on('finish', () => this.#find());
    }

    @OnMessage()
    async say(_connection: Connection, name: string): Promise<string> {
      // The handlers of the connection belong to the same event.
      const before = als.getStore() ?? 'none';
      als.enterWith(name);
      if (name === 'later') await nextTurn();
      return before;
    }

    @OnFinish()
    leave(): void {
      this.#find();
      als.enterWith('finish');
    }

    #find(): void {
      found.push(als.getStore());
    }
  }

  @WsEndpoint('serial')
  class Serial extends Entering {}

  @WsEndpoint({ path: 'concurrent', concurrency: 4 })
  class Concurrent extends Entering {}

  it.each(['serial', 'concurrent'])('is in no other message, and not at its finish: %s', async (path) => {
    const app = await startApp({ endpoints: [Serial, Concurrent] });
    const finished = new Promise<void>((resolve) => app.registry.on('finish', () => resolve()));
    const peer = await app.peer();
    await peer.upgrade({ path: `/ws/${path}` });
    // One after the other, then several that are read at once.
    for (const names of [['one'], ['later'], ['two'], ['own'], ['later', 'three', 'later', 'four'], ['five']]) {
      await peer.writeRaw(Buffer.concat(names.map((payload) => frame({ payload }))));
      for (const name of names) expect((await peer.nextFrame()).text).toBe(name === 'own' ? 'own' : 'none');
    }
    await peer.writeRaw(frame({ opcode: OPCODE.close }));
    peer.socket.end();
    await finished;
    expect(found).toEqual([undefined, undefined]);
  });
});
