import { describe, expect, it } from '@jest/globals';
import type { Connection, FinishInfo } from '../../src/index.js';
import { Gate } from '../support/journal.js';
import { close, frame, OPCODE, ping, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { answerClose, closeOf, EchoScene, opened, type EchoSpec } from './support/echo-scene.js';

describe('RFC 6455 §7: the closing handshake', () => {
  it('§7.1.1: the server lets go of the TCP connection first, in either case', async () => {
    const scene = await EchoScene.start();
    const [asked, asking] = [await opened(scene), await opened(scene)];
    asked.connection.close(1000);
    await closeOf(asked.peer);
    await answerClose(asked.peer, 1000);
    await asking.peer.writeRaw(close(1000));
    await closeOf(asking.peer);
    expect(await asking.peer.ended()).toBe('fin');
    asking.peer.end();
    await scene.finished.reached(2);
  });

  it('§7.1.2: two closes that cross are one handshake; finish names the one that began here', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    connection.close(4000, 'ours');
    await peer.writeRaw(close(4001, 'theirs'));
    expect(await closeOf(peer)).toEqual({ code: 4000, reason: 'ours' });
    expect(await peer.ended()).toBe('fin');
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 4000, reason: 'ours', clean: true, initiator: 'server' });
    expect(peer.unread).toHaveLength(0);
  });

  it('§5.5.1: after a close frame no data frame leaves', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    await peer.writeRaw(close(1000));
    await closeOf(peer);
    await expect(connection.send('late')).resolves.toBe(false);
    void connection.ping();
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread).toHaveLength(0);
  });

  it('§5.5.1: a ping that crosses our close frame does no harm', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    connection.close(4000);
    await peer.writeRaw(Buffer.concat([ping('crossing'), text('crossing')]));
    await closeOf(peer);
    await answerClose(peer, 4000);
    expect(await scene.finished.next()).toMatchObject({ code: 4000, clean: true });
  });

  it('a close inside establish is honoured, and what was sent before it leaves first', async () => {
    const scene = await EchoScene.start({
      onEstablish: (connection) => {
        void connection.send('go away');
        connection.close(4003, 'not you');
      },
    });
    const peer = await scene.open({ extraBytes: text('hello') });
    expect((await peer.nextFrame()).text).toBe('go away');
    expect(await closeOf(peer)).toEqual({ code: 4003, reason: 'not you' });
    await answerClose(peer, 4003);
    expect(await scene.finished.next()).toMatchObject({ code: 4003, clean: true, initiator: 'server' });
    expect(scene.received.entries).toEqual([]);
  });

  it('a close inside an asynchronous establish is honoured at once, finish waits for establish', async () => {
    const gate = new Gate();
    const scene = await EchoScene.start({
      onEstablish: async (connection) => {
        connection.close(4003);
        await gate.opened;
      },
    });
    const peer = await scene.open();
    expect((await closeOf(peer)).code).toBe(4003);
    await answerClose(peer, 4003);
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.finished.entries).toEqual([]);
    gate.open();
    expect(await scene.finished.next()).toMatchObject({ code: 4003 });
  });

  it('a close while a handler works drops its late answer and what waits, and finishes once', async () => {
    const gate = new Gate();
    const scene = await EchoScene.start({
      onMessage: async (_connection, message) => {
        await gate.opened;
        return `answer to ${String(message)}`;
      },
    });
    const { peer, connection } = await opened(scene);
    await peer.writeRaw(Buffer.concat([text('first'), text('waiting')]));
    await scene.received.next();
    connection.close(4000);
    expect((await closeOf(peer)).code).toBe(4000);
    await answerClose(peer, 4000);
    gate.open();
    await scene.finished.next();
    expect(scene.received.entries).toEqual(['first']);
    expect(peer.unread).toHaveLength(0);
  });

  it('a close of the client while a handler works aborts its signal; what the client had sent is still handled', async () => {
    const gate = new Gate();
    const scene = await EchoScene.start({ onMessage: () => gate.opened });
    const { peer, connection } = await opened(scene);
    const aborted = new Promise((resolve) => connection.signal.addEventListener('abort', resolve));
    await peer.writeRaw(Buffer.concat([text('first'), text('second'), close(1000)]));
    await closeOf(peer);
    peer.end();
    await aborted;
    expect(connection.signal.reason).toMatchObject({ code: 1000, initiator: 'client' });
    expect(scene.finished.entries).toEqual([]);
    gate.open();
    await scene.finished.next();
    expect(scene.received.entries).toEqual(['first', 'second']);
  });

  it('a close of ours completes although reading is paused for a full inbox', async () => {
    const gate = new Gate();
    const scene = await EchoScene.start({
      options: { limits: { maxPendingMessages: 2 }, closeTimeoutMs: 1_000 },
      onMessage: () => gate.opened,
    });
    const { peer, connection } = await opened(scene);
    await peer.writeRaw(Buffer.concat(Array(10).fill(text('busy'))));
    await scene.received.next();
    connection.close(4000);
    expect((await closeOf(peer)).code).toBe(4000);
    await answerClose(peer, 4000);
    expect(await scene.finished.next()).toMatchObject({ code: 4000, clean: true });
    gate.open();
  });
});

describe('the end tells who and why', () => {
  const big = frame({ claimedLength: 2n ** 32n, lengthBits: 64 });
  const slow: EchoSpec = { options: { heartbeat: { intervalMs: 20, timeoutMs: 20 } } };
  const rated: EchoSpec = { options: { limits: { messagesPerSecond: 1 } } };
  const faulty: EchoSpec = { onMessage: () => Promise.reject(new Error('no')) };

  it.each<
    [string, EchoSpec, (peer: RawPeer, scene: EchoScene, connection: Connection) => unknown, Partial<FinishInfo>]
  >([
    [
      'the client closes',
      {},
      (peer) => peer.writeRaw(close(4000, 'x')),
      { code: 4000, reason: 'x', initiator: 'client' },
    ],
    ['the client leaves', {}, (peer) => peer.end(), { code: 1006, reason: '', clean: false, initiator: 'client' }],
    ['the application closes', {}, (_p, _s, c) => c.close(4001, 'y'), { code: 4001, reason: 'y', initiator: 'server' }],
    ['the application cuts', {}, (_p, _s, c) => c.terminate(), { code: 1006, clean: false, initiator: 'server' }],
    ['the registry closes all', {}, (_p, scene) => scene.app.registry.close(4002), { code: 4002, initiator: 'server' }],
    ['the heartbeat finds it dead', slow, () => undefined, { code: 1006, clean: false, initiator: 'heartbeat' }],
    [
      'the client breaks the protocol',
      {},
      (peer) => peer.writeRaw(frame({ rsv: 7 })),
      { code: 1002, initiator: 'error' },
    ],
    ['the client sends too much', {}, (peer) => peer.writeRaw(big), { code: 1009, initiator: 'error' }],
    [
      'the client sends too fast',
      rated,
      (peer) => peer.writeRaw(Buffer.concat([text('a'), text('b'), text('c')])),
      { code: 1008, initiator: 'limit' },
    ],
    ['a handler fails', faulty, (peer) => peer.writeRaw(text('x')), { code: 1011, initiator: 'error' }],
    [
      'the application stops',
      {},
      (_peer, scene) => void scene.app.app.close(),
      { code: 1001, reason: 'server shutting down', initiator: 'shutdown' },
    ],
  ])('when %s', async (_what, spec, act, end) => {
    const scene = await EchoScene.start(spec);
    const { peer, connection } = await opened(scene);
    act(peer, scene, connection);
    if (end.code !== 1006) {
      expect((await closeOf(peer)).code).toBe(end.code);
      await answerClose(peer, end.code);
    }
    expect(await scene.finished.next()).toMatchObject(end);
    expect(connection.state).toBe('closed');
    expect(scene.finished.entries).toHaveLength(1);
  });
});

describe('close frames on the wire', () => {
  it('hold at least a code or nothing at all, are never in fragments and never masked', async () => {
    const scene = await EchoScene.start();
    for (const code of [1000, 1001, 1003, 1007, 1014, 3000, 4999]) {
      const { peer, connection } = await opened(scene);
      connection.close(code);
      const sent = await peer.nextFrame();
      expect(sent).toMatchObject({ opcode: OPCODE.close, fin: true, masked: false, closeCode: code });
      expect(sent.payload).toHaveLength(2);
      peer.reset();
    }
  });
});
