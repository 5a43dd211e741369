import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificate } from '../support/certificate.js';
import { patient } from '../support/patience.js';
import { binary, close, fragments, frame, OPCODE, ping, text } from '../support/raw-frame.js';
import { RuntimeApp, RUNTIMES, type Runtime } from './runtime.js';

const FRESH = { headers: { 'x-token': 'fresh' } };

describe.each(Object.keys(RUNTIMES) as Runtime[])('%s', (runtime) => {
  let app: RuntimeApp;
  let number = 0;
  /** A name for a connection whose end is asked for. */
  const name = (): string => `${runtime} ${(number += 1)}`;

  beforeAll(async () => {
    app = await RuntimeApp.start(runtime);
  }, patient(30_000));

  afterAll(async () => {
    await app.stop();
    expect(app.output).toMatch(/^.*RoomEndpoint failed: a secret.*\nError: a secret\n(\s+at .*\n)*$/);
  });

  const enter = async (): Promise<Awaited<ReturnType<RuntimeApp['connect']>>> => {
    const client = await app.connect('/ws/rooms/1', { ...FRESH, query: { name: name() } });
    expect(await client.nextJson()).toEqual({ event: 'entered', data: 'number' });
    return client;
  };

  it('echoes texts and binary messages of all lengths, whole, in parts and in fragments', async () => {
    const peer = await app.peer();
    expect((await peer.upgrade({ path: '/ws/echo', extraBytes: text('early') })).status).toBe(101);
    expect((await peer.nextFrame()).text).toBe('early');
    for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
      const payload = Buffer.alloc(length, 'a');
      await peer.writeRaw(length % 2 === 0 ? binary(payload) : text(payload.toString()));
      expect((await peer.nextFrame()).payload.equals(payload)).toBe(true);
    }
    await peer.writeInParts(text('in parts'), 3);
    expect((await peer.nextFrame()).text).toBe('in parts');
    await peer.writeRaw(Buffer.concat([...fragments(['in ', 'frag', 'ments']), ping('p')]));
    expect([(await peer.nextFrame()).text, (await peer.nextFrame()).opcode]).toEqual(['in fragments', OPCODE.pong]);
  });

  it('answers 1,000 messages of one write in order', async () => {
    const peer = await app.peer();
    const messages = Array.from({ length: 1000 }, (_, n) => String(n));
    await peer.upgrade({ path: '/ws/echo', extraBytes: Buffer.concat(messages.map(text)) });
    for (const message of messages) expect((await peer.nextFrame()).text).toBe(message);
  });

  it.each([
    ['without a token', {}, 403],
    ['with what a guard throws', { headers: { 'x-token': 'stale' } }, 403],
    ['from a page of another origin', { ...FRESH, origin: 'https://elsewhere.test' }, 403],
  ])('refuses %s', async (_what, options, status) => {
    await expect(app.connect('/ws/rooms/1', options)).rejects.toMatchObject({ status });
  });

  it('refuses a parameter, a path and a plain request', async () => {
    await expect(app.connect('/ws/rooms/one', FRESH)).rejects.toMatchObject({ status: 400 });
    await expect(app.connect('/ws/nowhere')).rejects.toMatchObject({ status: 404 });
    expect((await fetch(await app.url('/ws/echo'))).status).toBe(426);
  });

  it('writes a refusal as a whole HTTP answer and ends the connection', async () => {
    const peer = await app.peer();
    const answer = await peer.upgrade({ path: '/ws/rooms/1' });
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('"statusCode":403') });
    expect(await peer.ended()).toBe('fin');
  });

  it('routes events, broadcasts, streams, and answers errors', async () => {
    const [one, other] = [await enter(), await enter()];
    await one.send({ event: 'say', data: 'hello', id: 1 });
    expect(await one.nextJson()).toEqual({ event: 'say', data: 'you said hello', id: 1 });
    expect(await other.nextJson()).toEqual({ event: 'said', data: 'hello' });
    await one.send({ event: 'count', data: 3 });
    for (const data of [1, 2, 3]) expect(await one.nextJson()).toEqual({ event: 'count', data });
    await one.send({ event: 'fail', id: 2 });
    expect(JSON.stringify(await one.nextJson())).toBe(
      '{"event":"error","id":2,"data":{"code":"internal_error","message":"Internal server error"}}',
    );
    expect(await app.json('/broadcast', { method: 'POST' })).toMatchObject({ matched: 2, sent: 2 });
    for (const client of [one, other]) expect(await client.nextJson()).toEqual({ event: 'news', data: 'for all' });
  });

  it('agrees on a subprotocol and pings', async () => {
    const client = await app.connect('/ws/rooms/1', {
      ...FRESH,
      protocols: ['chat.1', 'chat.2'],
      query: { name: 'p' },
    });
    expect(client.protocol).toMatch(/^chat\.[12]$/);
    await client.nextJson();
    await client.send({ event: 'ping' });
    expect(await client.nextJson()).toEqual({ event: 'ping', data: 'number' });
  });

  it('tells how connections end: closed by the peer, by the application, and cut', async () => {
    const names = [name(), name(), name()];
    const [closed, kicked, cut] = await Promise.all(
      names.map((one) => app.connect('/ws/rooms/1', { ...FRESH, query: { name: one } })),
    );
    await closed?.close(4000, 'bye');
    await kicked?.send({ event: 'kick' });
    expect(await kicked?.closed()).toMatchObject({ code: 4001, reason: 'kicked', clean: true });
    void cut?.terminate();
    expect(await Promise.all(names.map((one) => app.endOf(one)))).toEqual([
      { code: 4000, initiator: 'client', clean: true },
      { code: 4001, initiator: 'server', clean: true },
      { code: 1006, initiator: 'client', clean: false },
    ]);
  });

  it.each([
    ['reset', 1006],
    ['end', 1006],
  ] as const)('tells of a peer that leaves by %s', async (how, code) => {
    const peer = await app.peer();
    const one = name();
    await peer.upgrade({ path: `/ws/echo?name=${encodeURIComponent(one)}` });
    peer[how]();
    expect(await app.endOf(one)).toEqual({ code, initiator: 'client', clean: false });
  });

  it.each([
    ['too long', '/ws/limited', text('x'.repeat(101)), 1009],
    ['not UTF-8', '/ws/echo', frame({ payload: Uint8Array.of(0xff) }), 1007],
    ['not masked', '/ws/echo', frame({ mask: false, payload: 'a' }), 1002],
    ['of a reserved opcode', '/ws/echo', frame({ opcode: 3 }), 1002],
    ['compressed without a word', '/ws/echo', frame({ rsv: 4, payload: 'a' }), 1002],
  ])('closes for a message that is %s', async (_what, path, bytes, code) => {
    const peer = await app.peer();
    const one = name();
    await peer.upgrade({ path: `${path}?name=${encodeURIComponent(one)}` });
    await peer.writeRaw(bytes);
    expect((await peer.nextFrame()).closeCode).toBe(code);
    await peer.writeRaw(close(code));
    peer.end();
    expect(await app.endOf(one)).toMatchObject({ code, initiator: expect.stringMatching(/error|limit/) });
  });

  // Bun reads frames itself and tells of whole messages only.
  const onBun = runtime === 'bun';

  it(`${onBun ? 'does not close' : 'closes'} for a message of too many fragments`, async () => {
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/fragments' });
    await peer.writeRaw(Buffer.concat(fragments(Array.from({ length: 20 }, () => 'a'))));
    const { opcode, closeCode } = await peer.nextFrame();
    expect({ opcode, closeCode }).toEqual(
      onBun ? { opcode: OPCODE.text, closeCode: undefined } : { opcode: OPCODE.close, closeCode: 1008 },
    );
  });

  it('pauses a peer of which too much waits, and hands a socket over', async () => {
    const client = await app.connect('/ws/slow', { query: { name: name() } });
    const sent = Array.from({ length: 300 }, (_, n) => `${n}${'x'.repeat(1000)}`);
    for (const message of sent) void client.send(message);
    for (const message of sent) expect(await client.next()).toBe(message);
    const handed = await app.connect('/ws/handed', { query: { name: name() } });
    await handed.send('a');
    expect(await handed.next()).toBe('taken a');
  });

  it('compresses where it is on, and only there', async () => {
    const value = 'again and '.repeat(500);
    for (const [path, extension] of [
      ['/ws/compressed', 'permessage-deflate'],
      ['/ws/echo', ''],
    ] as const) {
      const client = await app.connect(path, { query: { name: name() } });
      expect(client.raw.extensions).toContain(extension);
      await client.send(value);
      expect(await client.next()).toBe(value);
    }
  });

  it('ends a peer that does not read with 1013, before all of it waits in memory', async () => {
    const peer = await app.peer();
    const one = name();
    await peer.upgrade({ path: `/ws/rooms/1?name=${encodeURIComponent(one)}`, headers: FRESH.headers });
    await peer.nextFrame();
    peer.pause();
    await peer.writeRaw(text('{"event":"flood"}'));
    expect(await app.endOf(one)).toMatchObject({ code: 1013, initiator: 'limit' });
  });

  it(
    'drains with 1001, and closes over TLS',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'runtimes-'));
      try {
        const [KEY, CERT] = [join(folder, 'key'), join(folder, 'cert')];
        await Promise.all([writeFile(KEY, certificate.key), writeFile(CERT, certificate.cert)]);
        for (const env of [{}, { KEY, CERT }] satisfies Record<string, string>[]) {
          const drained = await RuntimeApp.start(runtime, env);
          try {
            const client = await drained.connect('/ws/rooms/1', { ...FRESH, query: { name: 'drained' } });
            await client.nextJson();
            await client.send({ event: 'say', data: 'x'.repeat(20_000) });
            expect(JSON.stringify(await client.nextJson()).length).toBeGreaterThan(20_000);
            drained.child.kill('SIGTERM');
            expect(await client.closed()).toMatchObject({ code: 1001, reason: 'server shutting down', clean: true });
            await drained.exited;
            expect(drained.output).toBe('');
          } finally {
            await drained.stop();
          }
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    patient(40_000),
  );
});
