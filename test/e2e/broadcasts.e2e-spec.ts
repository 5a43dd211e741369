import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { close, OPCODE, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/*
 * Whom a broadcast means, and how many got it, is settled at the call; it leaves in slices. What happens between the two is
 * seen by peers as if it had left at once.
 */

let asked = new Gate<string>();
let entered = new Journal();

@WsEndpoint('room')
class Room {
  @OnEstablish()
  enter(connection: Connection): void {
    connection.join(...[connection.query['join'] ?? []].flat());
  }

  @OnMessage()
  say(connection: Connection, message: string): string | Promise<string> {
    if (message === 'wait') {
      entered.add(message);
      return asked.opened;
    }
    connection.to('red').send('to all');
    return message;
  }
}

/** Names the server's side and the peer of some. */
interface Member {
  readonly connection: Connection;
  readonly client: QueuedClient;
}

describe.each([
  ['as it is', false],
  ['compressed', true],
])('a broadcast that leaves in slices, %s', (_name, isCompressed) => {
  const compression = isCompressed ? { thresholdBytes: 0, contextTakeover: true } : false;

  async function open(count: number): Promise<{ app: StartedApp; members: Member[] }> {
    const app = await startApp({ endpoints: [Room], options: { compression } });
    const members: Member[] = [];
    for (let i = 0; i < count; i++) {
      const client = await app.connect('/ws/room?join=red', { compression: isCompressed });
      const connection = [...app.registry].at(-1) as Connection;
      members.push({ connection, client });
      expect((connection.raw as WebSocket).extensions.includes('permessage-deflate')).toBe(isCompressed);
    }
    return { app, members };
  }

  async function heard(client: QueuedClient, count: number): Promise<unknown[]> {
    const messages: unknown[] = [];
    while (messages.length < count) messages.push(await client.next());
    return messages;
  }

  it('is counted at the call, and is nothing that ws has in that turn', async () => {
    const { app, members } = await open(3);
    const news = 'x'.repeat(2_000);
    for (let i = 0; i < 10; i++) expect(app.registry.to('red').send(news)).toEqual({ matched: 3, sent: 3, dropped: 0 });
    for (const { connection } of members) {
      expect((connection.raw as WebSocket).bufferedAmount).toBe(0);
      expect(connection.bufferedBytes).toBeGreaterThanOrEqual(10 * news.length);
    }
    for (const { client } of members) expect(await heard(client, 10)).toEqual(new Array(10).fill(news));
  });

  it('keeps its place between what else a connection is sent', async () => {
    const { app, members } = await open(2);
    const [ann, ben] = members as [Member, Member];
    void ann.connection.send('own 1');
    app.registry.broadcast('all 1');
    app.registry.to('red').send(Buffer.from('bytes'));
    void ann.connection.send('own 2');
    app.registry.broadcast('all 2');
    (ben.connection.raw as WebSocket).send('past the library');
    app.registry.broadcast('all 3');
    expect(await heard(ann.client, 6)).toEqual(['own 1', 'all 1', Buffer.from('bytes'), 'own 2', 'all 2', 'all 3']);
    expect(await heard(ben.client, 5)).toEqual(['all 1', Buffer.from('bytes'), 'all 2', 'past the library', 'all 3']);
    void ben.client.send('reply');
    expect(await heard(ben.client, 2)).toEqual(['to all', 'reply']);
  });

  it('is for those who were there at the call: who leaves or closes then hears it, who joins does not', async () => {
    const { app, members } = await open(4);
    const [ann, ben, cat, dan] = members as [Member, Member, Member, Member];
    ann.connection.leave('red');
    app.registry.to('red').send('first');
    ben.connection.leave('red');
    ann.connection.join('red');
    cat.connection.close(4000, 'after it');
    (dan.connection.raw as WebSocket).close(4001);
    expect(app.registry.to('red').send('second')).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect(await heard(ann.client, 1)).toEqual(['second']);
    expect(await heard(ben.client, 1)).toEqual(['first']);
    for (const [{ client }, code] of [
      [cat, 4000],
      [dan, 4001],
    ] as const) {
      expect(await heard(client, 1)).toEqual(['first']);
      expect(await client.closed()).toMatchObject({ code });
    }
    void ben.connection.send('and no more');
    expect(await heard(ben.client, 1)).toEqual(['and no more']);
  });

  it('is lost for a connection that is cut before its turn, and reaches the others', async () => {
    const { app, members } = await open(3);
    const [ann, ben] = members as [Member, Member];
    expect(app.registry.to('red').send('to three')).toMatchObject({ sent: 3 });
    ann.connection.context.raw.socket.destroy();
    expect(await heard(ben.client, 1)).toEqual(['to three']);
    expect(await ann.client.closed()).toMatchObject({ code: 1006 });
    await nextTurn();
    expect(app.registry.to('red').send('to two')).toMatchObject({ sent: 2 });
  });
});

describe('the close of a large audience', () => {
  const COUNT = 40;

  async function open(): Promise<{ app: StartedApp; peers: RawPeer[]; members: Connection[] }> {
    const app = await startApp({ endpoints: [Room] });
    const peers = await Promise.all(
      Array.from({ length: COUNT }, async () => {
        const peer = await app.peer();
        await peer.upgrade({ path: '/ws/room?join=red' });
        return peer;
      }),
    );
    return { app, peers, members: [...app.registry] };
  }

  async function framesOf(peer: RawPeer, count: number): Promise<string[]> {
    const seen: string[] = [];
    while (seen.length < count) {
      const { opcode, payload } = await peer.nextFrame();
      seen.push(
        opcode === OPCODE.close
          ? `close ${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`
          : payload.toString(),
      );
    }
    return seen;
  }

  it('takes all out at once and writes their frames in slices, behind what they were sent', async () => {
    const { app, peers, members } = await open();
    const written = (): number => members.filter(({ raw }) => (raw as WebSocket).readyState !== WebSocket.OPEN).length;
    const red = app.registry.to('red');
    red.send('goodbye');
    expect(red.size).toBe(COUNT);
    void red.close(4000, 'red is over');
    expect([written(), app.registry.size, red.size, members[0]?.state]).toEqual([0, 0, 0, 'closing']);
    expect(red.send('nobody hears this')).toEqual({ matched: 0, sent: 0, dropped: 0 });
    // The first code counts.
    void red.close(4001);
    members[0]?.close(4002);
    for (const peer of peers) expect(await framesOf(peer, 2)).toEqual(['goodbye', 'close 4000 red is over']);
  });

  it('does not wait for handlers that run, whose replies are dropped', async () => {
    const { app, peers } = await open();
    asked = new Gate();
    entered = new Journal();
    await Promise.all(peers.map(async (peer) => peer.writeRaw(text('wait'))));
    await entered.reached(COUNT);
    void app.registry.to('red').close(4003, 'revoked');
    asked.open('reply');
    for (const peer of peers) expect(await framesOf(peer, 1)).toEqual(['close 4003 revoked']);
  });

  it('answers a peer that closes before its slice with the code that was decided, and leaves out one that is cut', async () => {
    const { app, peers, members } = await open();
    const [first, second, ...others] = peers as [RawPeer, RawPeer, ...RawPeer[]];
    const [, cut] = members;
    void app.registry.to('red').close(4004);
    members[0]?.context.raw.socket.emit('data', close(4999));
    cut?.terminate();
    expect(await framesOf(first, 1)).toEqual(['close 4004 ']);
    expect(await second.ended()).toBe('fin');
    for (const peer of others) expect(await framesOf(peer, 1)).toEqual(['close 4004 ']);
  });
});
