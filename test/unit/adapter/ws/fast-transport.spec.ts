import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { WebSocket } from 'ws';
import { ConnectionRegistry, type Connection } from '../../../../src/index.js';
import { certificate } from '../../../support/certificate.js';
import { EchoEndpoint, lastOpened } from '../../../support/echo-endpoint.js';
import { close, frame, OPCODE, text } from '../../../support/raw-frame.js';
import type { RawPeer } from '../../../support/raw-peer.js';
import { startApp, type StartedApp } from '../../../support/start-app.js';

async function open(): Promise<{ app: StartedApp; peer: RawPeer; connection: Connection }> {
  const app = await startApp({ providers: [EchoEndpoint] });
  const peer = await app.peer();
  await peer.upgrade({ path: '/ws/echo' });
  return { app, peer, connection: lastOpened() };
}

async function frames(peer: RawPeer, count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let i = 0; i < count; i++) {
    const { opcode, payload } = await peer.nextFrame();
    seen.push(opcode === OPCODE.close ? `close ${payload.readUInt16BE(0)}` : `${opcode} ${payload.toString()}`);
  }
  return seen;
}

describe('the fast path', () => {
  it('sends the reply of the handler that closed, and nothing after a close frame', async () => {
    const { peer } = await open();
    await peer.writeRaw(Buffer.concat([text('close'), text('late')]));
    expect(await frames(peer, 2)).toEqual(['1 close', 'close 4000']);
    await peer.writeRaw(close(4000));
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread.length).toBe(0);
  });

  it('frames texts of any length as any receiver reads them, in every script', async () => {
    const { peer, connection } = await open();
    for (const length of [0, 1, 41, 42, 125, 126, 127, 2_047, 2_048, 2_049, 5_461, 5_462, 65_535, 65_536]) {
      const texts = ['x', 'é', '€', '😀'].map((character) => character.repeat(length).slice(0, length));
      for (const message of texts) void connection.send(message);
      const seen = await frames(peer, texts.length);
      // A character cut in half is a lone surrogate, which UTF-8 knows only as U+FFFD.
      expect(seen).toEqual(texts.map((message) => `1 ${Buffer.from(message).toString()}`));
    }
  });

  it('keeps the order of a connection when replies, broadcasts and large messages mix in one tick', async () => {
    const { app, peer, connection } = await open();
    const registry = app.app.get(ConnectionRegistry);
    const large = 'L'.repeat(10_000);
    void connection.send('1');
    registry.broadcast('2');
    void connection.send(large);
    void connection.send('3');
    registry.broadcast(large);
    void connection.send(Buffer.from('4'));
    registry.broadcast('5');
    expect(await frames(peer, 7)).toEqual(['1 1', '1 2', `1 ${large}`, '1 3', `1 ${large}`, '2 4', '1 5']);
  });

  it('lets an application hear the messages of ws itself, as Buffers', async () => {
    const { peer, connection } = await open();
    const heard: unknown[] = [];
    await peer.writeRaw(text('before'));
    await frames(peer, 1);
    (connection.raw as WebSocket).on('message', (data, isBinary) => heard.push([data, isBinary]));
    await peer.writeRaw(Buffer.concat([text('plain'), text('plaín'), frame({ opcode: OPCODE.binary, payload: 'b' })]));
    expect(await frames(peer, 3)).toEqual(['1 plain', '1 plaín', '2 b']);
    expect(heard).toEqual([
      [Buffer.from('plain'), false],
      [Buffer.from('plaín'), false],
      [Buffer.from('b'), true],
    ]);
  });

  it('keeps what the socket of a slow peer has not taken, whatever others are sent meanwhile', async () => {
    const { app, peer, connection } = await open();
    peer.pause();
    const sent: string[] = [];
    const send = async (): Promise<void> => {
      sent.push(`${sent.length} `.repeat(1_500));
      void connection.send(sent.at(-1));
      await setImmediate();
    };
    while (connection.bufferedBytes === 0) await send();
    for (let i = 0; i < 20; i++) await send();
    const other = await app.peer();
    await other.upgrade({ path: '/ws/echo' });
    for (const message of ['z', 'y'].map((letter) => letter.repeat(9_000))) {
      await other.writeRaw(Buffer.concat(Array.from({ length: 20 }, () => text(message))));
      expect(new Set(await frames(other, 20))).toEqual(new Set([`1 ${message}`]));
    }
    peer.resume();
    expect(await frames(peer, sent.length)).toEqual(sent.map((message) => `1 ${message}`));
  });

  it('keeps what is still to be encrypted, whatever others are sent meanwhile', async () => {
    const app = await startApp({ providers: [EchoEndpoint], https: certificate });
    const clients = await Promise.all(Array.from({ length: 5 }, () => app.connect('/ws/echo')));
    const messages = Array.from({ length: 40 }, (_, i) => `${i} `.repeat((i * 97) % 5_000));
    await Promise.all(
      clients.map(async (client, of) => {
        for (const [i, message] of messages.entries()) await client.send(`${of} ${i} ${message}`);
      }),
    );
    for (const [of, client] of clients.entries()) {
      for (const [i, message] of messages.entries()) expect(await client.next()).toBe(`${of} ${i} ${message}`);
    }
  });

  it('does not mix the frames of connections that are written in turn', async () => {
    const first = await open();
    const secondPeer = await first.app.peer();
    await secondPeer.upgrade({ path: '/ws/echo' });
    const second = lastOpened();
    for (let i = 0; i < 50; i++) {
      void first.connection.send(`a${i}`);
      void second.send(`b${i}`);
    }
    const numbers = Array.from({ length: 50 }, (_, i) => i);
    expect(await frames(first.peer, 50)).toEqual(numbers.map((i) => `1 a${i}`));
    expect(await frames(secondPeer, 50)).toEqual(numbers.map((i) => `1 b${i}`));
  });
});
