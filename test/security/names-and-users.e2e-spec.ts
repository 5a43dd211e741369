import { beforeEach, describe, expect, it } from '@jest/globals';
import { Param } from '@nestjs/common';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/*
 * Clients name channels, and may choose any name: that of a user, of a connection, of everybody. What is sent to one user
 * reaches that user alone, on whatever endpoint he is.
 */

/** As an application does that puts no prefix before what the URL says. */
@WsEndpoint('rooms/:room')
class Rooms {
  @OnEstablish()
  enter(connection: Connection, @Param('room') room: string): void {
    connection.join(room);
  }

  /** Says something in the room that the message names, for those who are in it. */
  @OnMessage()
  say(connection: Connection, message: string): string {
    const [room = '', text] = message.split(' ');
    if (!connection.inChannel(room)) return 'refused';
    connection.to(room).broadcast(text);
    return 'said';
  }
}

@WsEndpoint('inbox')
class Inbox {
  @OnEstablish()
  enter(): void {}
}

/** The user that the query names. */
const asUser = (id: string): { query: { user: string } } => ({ query: { user: id } });

let app: StartedApp;
let ada: QueuedClient;
beforeEach(async () => {
  app = await startApp({
    endpoints: [Rooms, Inbox],
    options: {
      handshake: (context) => {
        const { user } = context.query;
        if (user !== undefined) context.user = { id: Number(user) };
      },
    },
  });
  ada = await app.connect('/ws/inbox', asUser('4711'));
});

describe('what is sent to a user', () => {
  it('is not heard in a channel that a client gave the name of the user', async () => {
    const eve = await app.connect('/ws/rooms/4711', asUser('666'));
    expect(app.registry.toUser(4711).send('private')).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect(await ada.next()).toBe('private');
    app.registry.broadcast('all');
    expect([await ada.next(), await eve.next()]).toEqual(['all', 'all']);
  });

  it('reaches all of his connections, in the order that they were established, and no others', async () => {
    const tab = await app.connect('/ws/rooms/tea', asUser('4711'));
    const guest = await app.connect('/ws/rooms/tea');
    const [first, second] = app.registry;
    expect([...app.registry.toUser('4711')]).toEqual([first, second]);
    app.registry.toUser(4711n).send('private');
    app.registry.broadcast('all');
    expect([await ada.next(), await ada.next()]).toEqual(['private', 'all']);
    expect([await tab.next(), await tab.next()]).toEqual(['private', 'all']);
    expect(await guest.next()).toBe('all');
  });

  it('reaches who comes after the first use as well, and nobody when he is gone', async () => {
    expect(app.registry.toUser(1).size).toBe(0);
    const one = await app.connect('/ws/inbox', asUser('1'));
    expect(app.registry.toUser(1).send('x').sent).toBe(1);
    expect(await one.next()).toBe('x');
    void app.registry.toUser(1).close(4000, 'over');
    expect(app.registry.toUser(1).size).toBe(0);
    expect(await one.closed()).toMatchObject({ code: 4000, reason: 'over' });
    expect(app.registry.toUser(4711).size).toBe(1);
  });

  it('reaches a user who calls himself like a connection', async () => {
    const id = app.registry.to('*').connections()[0]?.id ?? '';
    const bob = await startApp({
      endpoints: [Inbox],
      options: { handshake: (context) => void (context.user = id), userId: ({ user }) => user as string },
    });
    const client = await bob.connect('/ws/inbox');
    bob.registry.toUser(id).send('private');
    expect(await client.next()).toBe('private');
  });

  it('leaves out a user whose id cannot be compared, with one warning', async () => {
    const zoes = await startApp({
      endpoints: [Inbox],
      options: { handshake: (context) => void (context.user = { name: 'zoe' }) },
    });
    expect(zoes.registry.toUser('zoe').size).toBe(0);
    await zoes.connect('/ws/inbox');
    await zoes.connect('/ws/inbox');
    expect(zoes.registry.toUser('zoe').size).toBe(0);
    expect(zoes.logs.problems).toEqual([
      expect.stringMatching(/registry\.toUser cannot reach a user of Inbox: .* set userId: /),
    ]);
  });
});

describe('a name that a client chooses', () => {
  it.each(['*', ''])('is not joined when it means more than a room: %p', async (name) => {
    const eve = await app.connect('/ws/rooms/tea');
    await eve.send(`${name} spam`);
    expect(await eve.next()).toBe('refused');
    app.registry.broadcast('all');
    expect(await ada.next()).toBe('all');
  });

  it('is one space for all endpoints, of which only() is the part of one', async () => {
    const tea = await app.connect('/ws/rooms/tea');
    const [inInbox] = app.registry.in(Inbox);
    inInbox?.join('tea');
    expect([app.registry.to('tea').size, app.registry.in(Rooms).only('tea').size]).toEqual([2, 1]);
    app.registry.in(Rooms).only('tea').send('for rooms');
    app.registry.broadcast('all');
    expect([await tea.next(), await ada.next()]).toEqual(['for rooms', 'all']);
  });

  it.each<[string, (connection: Connection) => void]>([
    ['its own user', (connection) => connection.join('4711')],
    ['a user that is known', (connection) => app.registry.toUser(666).send('x') && connection.join('room', '666')],
  ])('is warned of once when it is that of %s', async (_what, join) => {
    await app.connect('/ws/inbox', asUser('666'));
    const [first, second] = app.registry;
    join(first as Connection);
    second?.join('666', '4711');
    expect(app.logs.at('warn')).toEqual([
      expect.stringMatching(
        /Inbox joins a channel that is called like a user\. Send to users with registry\.toUser\(id\)/,
      ),
    ]);
  });

  it('is not warned of when it has a prefix, or is like that of no user', async () => {
    await app.connect('/ws/inbox', asUser('666'));
    const [first] = app.registry;
    first?.join('user:4711', '666', 'tea');
    expect(app.logs.at('warn')).toEqual([]);
  });
});
