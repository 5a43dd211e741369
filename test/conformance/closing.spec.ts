import { describe, expect, it } from '@jest/globals';
import type { Connection } from '../../src/index.js';
import { close, frame, OPCODE, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { answerClose, closeOf, EchoScene, opened } from './support/echo-scene.js';

describe('closing', () => {
  it('4.3 #83 close() sends 1000 and ends cleanly', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    connection.close();
    expect(await closeOf(peer)).toEqual({ code: 1000, reason: '' });
    await answerClose(peer, 1000);
    expect(await scene.finished.next()).toEqual({ code: 1000, reason: '', clean: true, initiator: 'server' });
    expect(peer.unread).toHaveLength(0);
  });

  it('4.3 #84 close(4001, reason) sends both; a code that nobody may send is a RangeError', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    for (const code of [0, 999, 1004, 1016, 1100, 2999, 5000, -1, 1000.5, Number.NaN, Infinity]) {
      expect(() => connection.close(code)).toThrow(RangeError);
    }
    expect(connection.state).toBe('open');
    connection.close(4001, 'bye');
    expect(await closeOf(peer)).toEqual({ code: 4001, reason: 'bye' });
    await answerClose(peer, 4001);
    expect(await scene.finished.next()).toMatchObject({ code: 4001, reason: 'bye', clean: true, initiator: 'server' });
  });

  it('4.3 #85 a second close changes and sends nothing', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    connection.close(4001, 'first');
    connection.close(4002, 'second');
    expect(await closeOf(peer)).toEqual({ code: 4001, reason: 'first' });
    await answerClose(peer, 4001);
    expect(peer.unread).toHaveLength(0);
    expect(await scene.finished.next()).toMatchObject({ code: 4001, reason: 'first' });
    connection.close(4003);
    expect(scene.finished.entries).toHaveLength(1);
  });

  it('4.3 #86 the close of the client is echoed, and finish gets its code and reason', async () => {
    const scene = await EchoScene.start();
    for (const [code, reason] of [
      [1000, 'bye'],
      [4321, ''],
      [3000, 'grüße'],
      [1001, ''],
      [undefined, ''],
    ] as const) {
      const { peer } = await opened(scene);
      await peer.writeRaw(close(code, reason));
      expect((await closeOf(peer)).code).toBe(code);
      expect(await peer.ended()).toBe('fin');
      peer.end();
      expect(await scene.finished.next()).toEqual({ code: code ?? 1005, reason, clean: true, initiator: 'client' });
    }
  });

  it('4.3 #87 a close frame that breaks the protocol is answered with 1002, one that is no UTF-8 with 1007', async () => {
    const scene = await EchoScene.start();
    const broken: [Buffer, number][] = [
      ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code): [Buffer, number] => [
        close(code),
        1002,
      ]),
      [frame({ opcode: OPCODE.close, payload: Buffer.of(3) }), 1002],
      [frame({ opcode: OPCODE.close, payload: Buffer.alloc(126, 3) }), 1002],
      [frame({ opcode: OPCODE.close, fin: false }), 1002],
      [close(1000, Buffer.of(0xc3, 0x28)), 1007],
    ];
    for (const [bytes, code] of broken) {
      const { peer } = await opened(scene);
      await peer.writeRaw(bytes);
      expect([bytes.toString('hex'), (await closeOf(peer)).code]).toEqual([bytes.toString('hex'), code]);
      expect(await peer.ended()).toBe('fin');
      peer.end();
      expect(await scene.finished.next()).toMatchObject({ code, clean: false, initiator: 'error' });
    }
  });

  it('4.3 #88 a message after the close of the client is dropped', async () => {
    const scene = await EchoScene.start();
    const { peer } = await opened(scene);
    await peer.writeRaw(Buffer.concat([close(1000), text('too late')]));
    expect((await closeOf(peer)).code).toBe(1000);
    peer.end();
    await scene.finished.next();
    expect(scene.received.entries).toEqual([]);
  });

  it('4.3 #89 a message and a close in one packet are both handled', async () => {
    const scene = await EchoScene.start();
    const { peer } = await opened(scene);
    await peer.writeRaw(Buffer.concat([text('last'), close(4000)]));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.text, text: 'last' });
    expect((await closeOf(peer)).code).toBe(4000);
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 4000, clean: true });
  });

  it('4.3 #90 what arrives between our close and that of the client is dropped', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    connection.close(4000);
    await peer.writeRaw(text('crossed on the way'));
    expect((await closeOf(peer)).code).toBe(4000);
    await answerClose(peer, 4000);
    await scene.finished.next();
    expect(scene.received.entries).toEqual([]);
  });

  it('4.3 #91 FIN, reset and terminate without a close frame finish once with 1006', async () => {
    const scene = await EchoScene.start();
    const ways: [(peer: RawPeer, connection: Connection) => unknown, string][] = [
      [(peer) => peer.end(), 'client'],
      [(peer) => peer.reset(), 'client'],
      [(_peer, connection) => connection.terminate(), 'server'],
    ];
    for (const [cut, initiator] of ways) {
      const { peer, connection } = await opened(scene);
      cut(peer, connection);
      expect(await scene.finished.next()).toMatchObject({ code: 1006, clean: false, initiator });
    }
    await scene.open();
    expect(scene.finished.entries).toHaveLength(3);
    expect(scene.app.registry.size).toBe(1);
  });

  it('4.3 #92 a client that never answers, or never lets go, is cut when closeTimeoutMs is over', async () => {
    const scene = await EchoScene.start({ options: { closeTimeoutMs: 30 } });
    const silent = await opened(scene);
    silent.connection.close(4000);
    expect(await scene.finished.next()).toMatchObject({ code: 4000, clean: false, initiator: 'server' });
    const clinging = await opened(scene);
    await clinging.peer.writeRaw(close(4001));
    expect(await scene.finished.next()).toMatchObject({ code: 4001, clean: true, initiator: 'client' });
    expect(scene.app.registry.size).toBe(0);
    await silent.peer.ended();
    await clinging.peer.ended();
  });
});

describe('codes and reasons', () => {
  it.each([
    [1005, 1000],
    [1006, 1011],
    [1015, 1011],
  ])('the code %i never travels: close sends %i', async (given, sent) => {
    const { peer, connection } = await opened(await EchoScene.start());
    connection.close(given);
    expect((await closeOf(peer)).code).toBe(sent);
    await answerClose(peer, sent);
  });

  it.each([
    ['ASCII', 'x'.repeat(200), 'x'.repeat(123)],
    ['two-byte characters', 'é'.repeat(62), 'é'.repeat(61)],
    ['three-byte characters', `a${'€'.repeat(50)}`, `a${'€'.repeat(40)}`],
    ['surrogate pairs', `${'x'.repeat(121)}\u{1F600}`, 'x'.repeat(121)],
    ['exactly 123 bytes', `${'é'.repeat(61)}x`, `${'é'.repeat(61)}x`],
  ])('a reason of %s is cut at 123 bytes, never inside a character', async (_what, given, sent) => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    connection.close(4000, given);
    expect(await closeOf(peer)).toEqual({ code: 4000, reason: sent });
    await answerClose(peer, 4000);
    expect(await scene.finished.next()).toMatchObject({ reason: sent });
  });
});
