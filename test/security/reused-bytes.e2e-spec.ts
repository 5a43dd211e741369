import type { Socket } from 'node:net';
import { Duplex, type DuplexOptions } from 'node:stream';
import { constants, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, OnMessage, Serializer, WsEndpoint } from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { text } from '../support/raw-frame.js';
import { RawPeer } from '../support/raw-peer.js';
import { afterTest, startApp, type StartedApp } from '../support/start-app.js';

/*
 * An application may fill one buffer for one receiver after another: the bytes that it gave to `send` are its own again as
 * soon as the call has returned, on every way they can take to the socket.
 */

const SIZE = 40;

class ScratchSerializer extends Serializer {
  readonly #scratch = Buffer.alloc(SIZE);

  override encode(value: unknown): Uint8Array {
    return this.#scratch.fill(String(value));
  }

  override decode(data: string | Buffer): unknown {
    return String(data);
  }
}

@WsEndpoint('raw')
class RawEndpoint {
  static readonly opened = new Journal<Connection>();
  readonly #scratch = Buffer.alloc(SIZE);

  @OnEstablish()
  enter(connection: Connection): void {
    connection.join('room');
    RawEndpoint.opened.add(connection);
  }

  @OnMessage()
  fill(_connection: Connection, message: string): Buffer {
    return this.#scratch.fill(message);
  }
}

@WsEndpoint({ path: 'scratch', serializer: new ScratchSerializer() })
class ScratchEndpoint {
  @OnEstablish()
  enter(connection: Connection): void {
    RawEndpoint.opened.add(connection);
  }
}

interface Scene {
  readonly app: StartedApp;
  readonly peer: RawPeer;
  readonly connection: Connection;
}

type Way = (app: StartedApp, path: string) => Promise<RawPeer>;

async function direct(app: StartedApp, path: string, headers: Record<string, string> = {}): Promise<RawPeer> {
  const peer = await app.peer();
  await peer.upgrade({ path, headers });
  return peer;
}

/** Two streams, each giving what the other is written. */
function tunnel(): [Duplex, Duplex] {
  const sides: Duplex[] = [];
  const side = (other: () => Duplex | undefined): Duplex => {
    const options: DuplexOptions = {
      read: () => undefined,
      write: (chunk, _encoding, done) => {
        // A tunnel passes the bytes on later, as they are then.
        setImmediate(() => {
          other()?.push(Buffer.from(chunk as Buffer));
          done();
        });
      },
      final: (done) => {
        other()?.push(null);
        done();
      },
    };
    return new Duplex(options);
  };
  sides.push(
    side(() => sides[1]),
    side(() => sides[0]),
  );
  return sides as [Duplex, Duplex];
}

const WAYS: [string, Way][] = [
  ['a plain connection', direct],
  ['a compressed one', (app, path) => direct(app, path, { 'Sec-WebSocket-Extensions': 'permessage-deflate' })],
  [
    'one through a tunnel',
    async (app, path) => {
      const [inner, outer] = tunnel();
      app.app.getHttpServer().emit('connection', inner);
      const peer = RawPeer.over(outer);
      afterTest(() => [inner, outer].map((side) => side.destroy()));
      await peer.upgrade({ path });
      return peer;
    },
  ],
];

async function open(way: Way, path: string): Promise<Scene> {
  const app = await startApp({
    endpoints: [RawEndpoint, ScratchEndpoint],
    options: { heartbeat: false, compression: { thresholdBytes: 0 } },
  });
  const peer = await way(app, path);
  return { app, peer, connection: await RawEndpoint.opened.next() };
}

/** What the socket is given meanwhile waits, as it does for a peer that reads slowly. */
async function whileHeld({ connection }: Scene, run: () => unknown): Promise<void> {
  const socket: Socket = connection.context.raw.socket;
  socket.cork();
  await run();
  await new Promise((resolve) => setImmediate(resolve));
  socket.uncork();
}

async function next(peer: RawPeer): Promise<string> {
  const { payload, rsv } = await peer.nextFrame();
  const bytes =
    rsv === 0
      ? payload
      : inflateRawSync(Buffer.concat([payload, Buffer.of(0, 0, 0xff, 0xff)]), { finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.toString();
}

const SENDS: [string, (scene: Scene, bytes: Uint8Array) => unknown][] = [
  ['send', ({ connection }, bytes) => connection.send(bytes)],
  ['broadcast', ({ app }, bytes) => app.registry.broadcast(bytes)],
  ['an audience', ({ app }, bytes) => app.registry.to('room').send(bytes)],
];

describe.each(WAYS)('over %s', (_name, way) => {
  it.each(SENDS)('%s has the bytes when it returns: they may be written over', async (_what, send) => {
    const scene = await open(way, '/ws/raw');
    const scratch = Buffer.alloc(SIZE);
    await whileHeld(scene, () => {
      for (const letter of 'abc') void send(scene, scratch.fill(letter));
      scratch.fill('z');
    });
    const received = [await next(scene.peer), await next(scene.peer), await next(scene.peer)];
    expect(received).toEqual([...'abc'].map((letter) => letter.repeat(SIZE)));
  });

  it('a reply has the bytes before the next message is handled', async () => {
    const scene = await open(way, '/ws/raw');
    await whileHeld(scene, () => scene.peer.writeRaw(Buffer.concat([...'abc'].map(text))));
    const received = [await next(scene.peer), await next(scene.peer), await next(scene.peer)];
    expect(received).toEqual([...'abc'].map((letter) => letter.repeat(SIZE)));
  });

  it('a serializer may give the same buffer again and again', async () => {
    const scene = await open(way, '/ws/scratch');
    await whileHeld(scene, () => {
      void scene.connection.send('a');
      scene.app.registry.broadcast('b');
      void scene.connection.send('c');
    });
    const received = [await next(scene.peer), await next(scene.peer), await next(scene.peer)];
    expect(received).toEqual([...'abc'].map((letter) => letter.repeat(SIZE)));
  });
});
