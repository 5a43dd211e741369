import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { connect as connectTcp } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { Connection } from '../../src/index.js';
import { certificate } from '../support/certificate.js';
import { ChildApp } from '../support/child-app.js';
import { Gate } from '../support/journal.js';
import { patient } from '../support/patience.js';
import { close, OPCODE, text } from '../support/raw-frame.js';
import { parseAnswer, upgradeRequest } from '../support/raw-http.js';
import { RawPeer } from '../support/raw-peer.js';
import { closeOf, EchoScene } from './support/echo-scene.js';

const SHUTDOWN = new URL('./fixtures/shutdown.fixture.ts', import.meta.url);

async function opened(scene: EchoScene): Promise<{ peer: RawPeer; connection: Connection }> {
  const peer = await scene.open();
  return { peer, connection: await scene.established.next() };
}

describe('the life of a connection', () => {
  it('4.3 #93 a connection that nobody keeps lives until somebody closes it', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    await peer.writeRaw(text('alive'));
    expect((await peer.nextFrame()).text).toBe('alive');
    expect(scene.app.registry.size).toBe(1);
    expect(scene.finished.entries).toEqual([]);
  });

  it('4.3 #94 a close in a handler lets the other handlers run, and finish follows', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    const ran: string[] = [];
    connection.on('message', () => {
      ran.push('first');
      connection.close(4000);
    });
    connection.on('message', () => void ran.push('second'));
    await peer.writeRaw(text('go'));
    expect((await closeOf(peer)).code).toBe(4000);
    await peer.writeRaw(close(4000));
    await peer.ended();
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 4000, clean: true });
    expect(ran).toEqual(['first', 'second']);
    expect(scene.received.entries).toEqual(['go']);
  });

  it('4.3 #95 what was sent before close leaves first, whole, and only frames are on the wire', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    peer.pause();
    const pieces = [8_000_000, 1000].map((size, index) => Buffer.alloc(size, index + 1));
    void connection.send(pieces[0]);
    connection.close(4000, 'done');
    peer.resume();
    const { opcode, payload } = await peer.nextFrame({ timeoutMs: patient(10_000) });
    expect([opcode, payload.equals(pieces[0] ?? payload.subarray(1))]).toEqual([OPCODE.binary, true]);
    expect(await closeOf(peer)).toEqual({ code: 4000, reason: 'done' });
    await peer.writeRaw(close(4000));
    await peer.ended();
    expect(peer.unread).toHaveLength(0);
  });

  it('4.3 #96 the socket is let go as soon as the connection is over', async () => {
    const scene = await EchoScene.start();
    const server = scene.app.app.getHttpServer();
    const peers = await Promise.all(Array.from({ length: 20 }, () => scene.open()));
    for (const peer of peers) {
      await peer.writeRaw(close(1000));
      await peer.ended();
      peer.end();
    }
    await scene.finished.reached(20);
    const count = await new Promise<number>((resolve, reject) =>
      server.getConnections((error, open) => (error === null ? resolve(open) : reject(error))),
    );
    expect(count).toBe(0);
  });

  it('4.3 #97 finish handlers run in the order of their registration, those of close among them', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    const ran: number[] = [];
    connection.on('finish', () => void ran.push(1));
    connection.on('close', () => void ran.push(2));
    connection.on('finish', () => void ran.push(3));
    peer.reset();
    await scene.finished.next();
    expect(ran).toEqual([1, 2, 3]);
  });

  it('4.3 #98 a finish handler that throws keeps no other from running, and everything is let go', async () => {
    const scene = await EchoScene.start({ onFinish: () => Promise.reject(new Error('third fault')) });
    const { peer, connection } = await opened(scene);
    const ran: number[] = [];
    connection.on('finish', () => {
      throw new Error('first fault');
    });
    connection.on('finish', () => Promise.reject(new Error('second fault')));
    connection.on('finish', () => void ran.push(3));
    const gone = new Promise<void>((resolve) => scene.app.registry.on('finish', () => resolve()));
    peer.reset();
    await gone;
    expect(ran).toEqual([3]);
    expect(scene.finished.entries).toHaveLength(1);
    expect(scene.app.registry.size).toBe(0);
    const faults = ['first fault', 'second fault', 'third fault'].map((fault) => expect.stringContaining(fault));
    expect(scene.app.logs.at('error')).toEqual(faults);
  });

  it('4.3 #99 a finish handler that is added after the end runs at once', async () => {
    const scene = await EchoScene.start();
    const { peer, connection } = await opened(scene);
    peer.reset();
    await scene.finished.next();
    const end = await new Promise((resolve) => connection.on('finish', (_connection, info) => resolve(info)));
    expect(end).toMatchObject({ code: 1006 });
  });

  it('4.3 #100 a throw in establish closes 1011, finish follows, the process and the others live', async () => {
    const scene = await EchoScene.start({
      onEstablish: ({ query }) => {
        if (query['bad'] !== undefined) throw new Error('no');
      },
    });
    const bad = await scene.open({ path: '/ws/echo?bad' });
    expect(await closeOf(bad)).toEqual({ code: 1011, reason: 'internal error' });
    await bad.writeRaw(close(1011));
    await bad.ended();
    bad.end();
    expect(await scene.finished.next()).toMatchObject({ code: 1011, initiator: 'error' });
    const good = await scene.open();
    await good.writeRaw(text('alive'));
    expect((await good.nextFrame()).text).toBe('alive');
  });

  it('4.3 #101 a late failure of establish is a close frame, never HTTP in the stream of frames', async () => {
    const gate = new Gate();
    const scene = await EchoScene.start({
      onEstablish: async (connection) => {
        connection.join('kept');
        await connection.send('sent before');
        await gate.opened;
      },
    });
    const peer = await scene.open();
    expect((await peer.nextFrame()).text).toBe('sent before');
    gate.fail(new Error('late'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 1011 });
    await peer.writeRaw(close(1011));
    await peer.ended();
    expect(peer.unread).toHaveLength(0);
    peer.end();
    await scene.finished.next();
    expect(scene.app.registry.to('kept').size).toBe(0);
  });

  it('4.3 #102 SIGTERM closes everybody with 1001, waits for finish, and the process ends by itself', async () => {
    await using child = await ChildApp.start(SHUTDOWN);
    await using peer = await RawPeer.open(child.port);
    await peer.upgrade({ path: '/ws/leaving' });
    child.kill('SIGTERM');
    expect(await closeOf(peer)).toEqual({ code: 1001, reason: 'server shutting down' });
    await peer.writeRaw(close(1001));
    await peer.ended();
    peer.end();
    expect(await child.heard('leaving')).toMatchObject({ code: 1001, clean: true, initiator: 'shutdown' });
    expect(child.exit).toBeUndefined();
    child.tell({ leave: true });
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(child.stderr).toBe('');
  });

  it('4.3 #103 a server that stops takes no upgrade any more, while it waits for the last connection', async () => {
    await using child = await ChildApp.start(SHUTDOWN);
    await using peer = await RawPeer.open(child.port);
    await using late = await RawPeer.open(child.port);
    await peer.upgrade({ path: '/ws/leaving' });
    child.kill('SIGQUIT');
    expect((await closeOf(peer)).code).toBe(1001);
    expect(await late.upgrade({ path: '/ws/leaving' })).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(/^\d+$/), connection: 'close' },
    });
    await using newcomer = await RawPeer.open(child.port).catch(() => undefined);
    if (newcomer) expect(await newcomer.upgrade({ path: '/ws/leaving' })).toMatchObject({ status: 503 });
    for (const leaver of [peer, late, newcomer]) leaver?.reset();
    await child.heard('leaving');
    child.tell({ leave: true });
    expect(await child.exited).toEqual({ code: null, signal: 'SIGQUIT' });
  });

  it('4.3 #104 an idle peer that vanishes without FIN is cut by the heartbeat', async () => {
    const scene = await EchoScene.start({ options: { heartbeat: { intervalMs: 20, timeoutMs: 20 } } });
    const peer = await scene.open();
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.ping });
    expect(await scene.finished.next()).toEqual({ code: 1006, reason: '', clean: false, initiator: 'heartbeat' });
  });

  it('4.3 #105 wss works, and both mistakes about TLS harm nobody', async () => {
    const scene = await EchoScene.start({ https: certificate });
    const client = await scene.app.connect('/ws/echo');
    await client.send('over TLS');
    expect(await client.next()).toBe('over TLS');
    const plain = await scene.app.peer();
    await plain.writeRaw(upgradeRequest({ path: '/ws/echo' }));
    await plain.ended();
    const bare = await EchoScene.start();
    const tls = connectTls({ port: bare.app.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(tls, 'error');
    await bare.open();
    await client.send('still there');
    expect(await client.next()).toBe('still there');
  });

  it('4.3 #106 a refusal over TLS is a whole HTTP answer', async () => {
    const scene = await EchoScene.start({ https: certificate });
    const socket = connectTls({
      socket: connectTcp({ port: scene.app.port, host: '127.0.0.1' }),
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    socket.end(upgradeRequest({ path: '/ws/echo', headers: { Origin: 'https://evil.example' } }));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const answer = parseAnswer(bytes, true);
    expect(answer?.value).toMatchObject({ status: 403, headers: { connection: 'close' } });
    expect(answer?.length).toBe(bytes.length);
  });
});
