import { describe, expect, it } from '@jest/globals';
import type { Connection } from '../../src/index.js';
import { patient } from '../support/patience.js';
import { close, OPCODE, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { closeOf, EchoScene } from './support/echo-scene.js';

const MIB = 1_048_576;

/** Sends one message and waits until it is answered, so that all its handlers have run. */
async function say(peer: RawPeer, message: string): Promise<void> {
  await peer.writeRaw(text(message));
  expect((await peer.nextFrame()).text).toBe(message);
}

async function opened(scene: EchoScene): Promise<{ peer: RawPeer; connection: Connection }> {
  const peer = await scene.open();
  return { peer, connection: await scene.established.next() };
}

describe('handlers and sending', () => {
  it('4.2 #70 handlers of one connection run in the order of their registration', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    const ran: number[] = [];
    for (const number of [1, 2, 3]) connection.on('message', () => void ran.push(number));
    await say(peer, 'a');
    expect(ran).toEqual([1, 2, 3]);
  });

  it('4.2 #71 taking a handler off counts from the next message on, and twice is once', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    const ran: string[] = [];
    connection.on('message', (_connection, message, unregister) => {
      ran.push(`1:${String(message)}`);
      unregister();
      removeSecond();
      unregister();
    });
    const removeSecond = connection.on('message', (_connection, message) => void ran.push(`2:${String(message)}`));
    connection.on('message', (_connection, message) => void ran.push(`3:${String(message)}`));
    await say(peer, 'a');
    removeSecond();
    await say(peer, 'b');
    expect(ran).toEqual(['1:a', '2:a', '3:a', '3:b']);
  });

  it('4.2 #72 a handler that is added while handlers run hears the next message first', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    const ran: string[] = [];
    connection.on('message', (_connection, message, unregister) => {
      unregister();
      connection.on('message', (_same, next) => void ran.push(`added:${String(next)}`));
      ran.push(`first:${String(message)}`);
    });
    await say(peer, 'a');
    await say(peer, 'b');
    expect(ran).toEqual(['first:a', 'added:b']);
  });

  it('4.2 #73 one function registered twice runs twice; taking off one leaves the other', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    const ran: unknown[] = [];
    const handler = (_connection: unknown, message: unknown): void => void ran.push(message);
    connection.on('message', handler);
    const remove = connection.on('message', handler);
    await say(peer, 'a');
    remove();
    await say(peer, 'b');
    expect(ran).toEqual(['a', 'a', 'b']);
  });

  it('4.2 #74 an unknown event or a handler that is no function is a TypeError that says so', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    const on = connection.on.bind(connection) as (event: unknown, handler: unknown) => unknown;
    const nothing = (): void => undefined;
    expect(() => on('bogus', nothing)).toThrow(new TypeError(expectText('Unknown event: bogus')));
    expect(() => on('message', 'no function')).toThrow('The handler for event message must be a function.');
    for (const event of ['constructor', '__proto__', '', undefined])
      expect(() => on(event, nothing)).toThrow(TypeError);
    await say(peer, 'alive');
  });

  it('4.2 #75 a throw on a raw endpoint closes 1011, is logged, finishes once and touches nobody else', async () => {
    const scene = await EchoScene.start({
      onMessage: (_connection, message) => {
        if (message === 'bad') throw new Error('secret');
        return message;
      },
    });
    const [peer, other] = [await scene.open(), await scene.open()];
    await peer.writeRaw(Buffer.concat([text('good'), text('bad'), text('never heard')]));
    expect((await peer.nextFrame()).text).toBe('good');
    expect(await closeOf(peer)).toEqual({ code: 1011, reason: 'internal error' });
    await peer.writeRaw(close(1011));
    await peer.ended();
    peer.end();
    expect(await scene.finished.next()).toMatchObject({
      code: 1011,
      initiator: 'error',
      error: expect.objectContaining({ message: 'secret' }),
    });
    await say(other, 'still served');
    expect(scene.received.entries).toEqual(['good', 'bad', 'still served']);
    expect(scene.finished.entries).toHaveLength(1);
    expect(scene.app.logs.at('error')).toEqual([expect.stringContaining('secret')]);
  });

  it('4.2 #76 undefined cannot be sent: no frame leaves, and the promise says so', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    for (const value of [undefined, null]) {
      await expect(connection.send(value)).rejects.toMatchObject({ name: 'MessageEncodingError' });
    }
    void connection.send(undefined);
    await say(peer, 'nothing before this');
  });

  it('4.2 #77 an object cannot be sent raw: the text names the way out, the connection lives', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    await expect(connection.send({ a: 1 })).rejects.toThrow(/serializer: 'json'/);
    await say(peer, 'nothing before this');
  });

  it('4.2 #78 a string leaves as UTF-8 text, whatever is in it, and bytes leave as binary', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    void connection.send('caf\xe9 \ud800');
    void connection.send(Buffer.from('caf\xe9', 'latin1'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.text, text: 'café \ufffd' });
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.binary, payload: Buffer.from('caf\xe9', 'latin1') });
  });

  it('4.2 #79 text beyond Latin-1 leaves in the right length', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    const long = '\u{1F600}ß€'.repeat(10_000);
    for (const value of ['\u{1F600}', 'ß€', long]) void connection.send(value);
    for (const value of ['\u{1F600}', 'ß€', long]) expect((await peer.nextFrame()).text === value).toBe(true);
  });

  it('4.2 #80 100 KB and 8 MB leave as one frame each, and the promise tells when', async () => {
    const { peer, connection } = await opened(await EchoScene.start());
    for (const size of [100_000, 8_000_000]) {
      const sent = connection.send(Buffer.alloc(size, 7));
      // What fits into the buffers of the kernel may be gone at once.
      if (size > MIB) expect(connection.bufferedBytes).toBeGreaterThan(0);
      expect(await peer.nextFrame({ timeoutMs: patient(10_000) })).toMatchObject({
        fin: true,
        payload: { length: size },
      });
      await expect(sent).resolves.toBe(true);
      expect(connection.bufferedBytes).toBe(0);
    }
  });

  it('4.2 #81 for a peer that does not read at most 1 MiB waits, then it closes 1013', async () => {
    const scene = await EchoScene.start({ options: { closeTimeoutMs: 50 } });
    const { peer, connection } = await opened(scene);
    peer.pause();
    const piece = Buffer.alloc(64 * 1024);
    let most = 0;
    for (let sent = 0; connection.state === 'open' && sent < 200 * MIB; sent += piece.length) {
      void connection.send(piece);
      most = Math.max(most, connection.bufferedBytes);
      if (sent % MIB === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(most).toBeGreaterThan(MIB / 2);
    expect(most).toBeLessThanOrEqual(MIB + 16);
    expect(await scene.finished.next()).toMatchObject({
      code: 1013,
      initiator: 'limit',
      error: expect.objectContaining({ name: 'OutboxOverflowError' }),
    });
  });

  it('4.2 #82 sending after close, in finish and after it is false and no frame', async () => {
    const inFinish: Promise<boolean>[] = [];
    const scene = await EchoScene.start({ onFinish: (connection) => void inFinish.push(connection.send('in finish')) });
    const { peer, connection } = await opened(scene);
    connection.close(4000);
    await expect(connection.send('after close')).resolves.toBe(false);
    expect((await peer.nextFrame()).closeCode).toBe(4000);
    await peer.writeRaw(close(4000));
    await peer.ended();
    peer.end();
    await scene.finished.next();
    await expect(Promise.all(inFinish)).resolves.toEqual([false]);
    await expect(connection.send('after finish')).resolves.toBe(false);
    expect(peer.unread).toHaveLength(0);
    expect(scene.app.logs.problems).toEqual([]);
  });
});

/** A message that begins so. */
function expectText(start: string): string {
  return `${start}; a connection has message, finish and close (= finish).`;
}
