import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocketServer, type WebSocket } from 'ws';
import { binary, close, fragments, frame, OPCODE, parseFrame, ping, pong, text } from '../../support/raw-frame.js';
import { parseAnswer, RFC_ACCEPT, upgradeRequest } from '../../support/raw-http.js';
import { RawPeer } from '../../support/raw-peer.js';

describe('RawPeer', () => {
  let server: Server;
  let wss: WebSocketServer;
  let port: number;
  const peers: RawPeer[] = [];

  beforeEach(async () => {
    server = createServer((_request, response) => response.end('plain'));
    wss = new WebSocketServer({ server });
    wss.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });

  afterEach(async () => {
    for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]();
    for (const socket of wss.clients) socket.terminate();
    server.close();
  });

  async function open(options = {}): Promise<RawPeer> {
    const peer = await RawPeer.open(port, options);
    peers.push(peer);
    return peer;
  }

  async function upgraded(): Promise<{ peer: RawPeer; socket: WebSocket }> {
    const peer = await open();
    const accepted = once(wss, 'connection');
    await peer.upgrade();
    const [socket] = (await accepted) as [WebSocket];
    return { peer, socket };
  }

  describe('the upgrade', () => {
    it('reads the 101 and its accept key', async () => {
      const peer = await open();
      const answer = await peer.upgrade({ path: '/a' });
      expect(answer).toMatchObject({ status: 101, statusText: 'Switching Protocols', body: '' });
      expect(answer.headers).toMatchObject({ upgrade: 'websocket', 'sec-websocket-accept': RFC_ACCEPT });
      expect(answer.rawHeaders.map(([name]) => name)).toContain('Sec-WebSocket-Accept');
    });

    it('sends a frame in the same write as the request', async () => {
      const peer = await open();
      await peer.upgrade({ extraBytes: text('early') });
      expect(await peer.nextFrame()).toMatchObject({ fin: true, rsv: 0, opcode: OPCODE.text, text: 'early' });
    });

    it('reads a refusal with its body', async () => {
      const peer = await open();
      const answer = await peer.upgrade({ key: 'short' });
      expect(answer.status).toBe(400);
      expect(answer.body).toBe('Missing or invalid Sec-WebSocket-Key header');
      await expect(peer.ended()).resolves.toBe('fin');
    });

    it('reads a chunked answer of a keep-alive connection and leaves the next one alone', async () => {
      server.removeAllListeners('request');
      server.on('request', (_request, response) => {
        response.write('a');
        response.write('bc');
        response.end();
      });
      const peer = await open();
      await peer.writeRaw('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2));
      expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'abc' });
      expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'abc' });
      expect(peer.unread).toHaveLength(0);
    });

    it('leaves headers out, repeats them and replaces them in whatever case', () => {
      const request = upgradeRequest({
        method: 'POST',
        path: '/%zz',
        headers: { host: 'a', UPGRADE: undefined, 'X-Two': ['1', '2'] },
      });
      expect(request).toBe(
        'POST /%zz HTTP/1.1\r\nhost: a\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
          'Sec-WebSocket-Version: 13\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n',
      );
    });

    it('writes byte by byte', async () => {
      const peer = await open();
      const accepted = once(wss, 'connection');
      await peer.writeByteByByte(upgradeRequest());
      expect((await peer.nextAnswer()).status).toBe(101);
      await accepted;
      await peer.writeByteByByte(text('slow'));
      expect((await peer.nextFrame()).text).toBe('slow');
    });
  });

  describe('reading an answer', () => {
    const parse = (answer: string, ended = false): unknown => parseAnswer(Buffer.from(answer), ended)?.value;

    it('joins repeated fields and keeps the raw list', () => {
      const answer = 'HTTP/1.1 401 Unauthorized\r\nSet-Cookie: a=1\r\nset-cookie:b=2 \r\nContent-Length: 2\r\n\r\nno';
      expect(parse(answer)).toMatchObject({
        headers: { 'set-cookie': 'a=1, b=2' },
        rawHeaders: [
          ['Set-Cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['Content-Length', '2'],
        ],
        body: 'no',
      });
    });

    it('waits for the rest of head and body', () => {
      expect(parse('HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n')).toBeUndefined();
      expect(parse('HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nhalf')).toBeUndefined();
    });

    it('takes a body without a length up to the end of the connection', () => {
      const answer = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nall of it';
      expect(parse(answer)).toBeUndefined();
      expect(parse(answer, true)).toMatchObject({ body: 'all of it' });
    });

    it.each(['HTTP/1.1 400\r\nInvalid URL\r\n\r\n', 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'ICY 200 OK\r\n\r\n'])(
      'refuses what is not HTTP: %j',
      (bytes) => expect(() => parse(bytes)).toThrow(SyntaxError),
    );
  });

  describe('frames', () => {
    it('echoes text, binary and the three length encodings', async () => {
      const { peer } = await upgraded();
      for (const size of [0, 125, 126, 65_535, 65_536]) {
        await peer.writeRaw(binary(Buffer.alloc(size, 7)));
        const { opcode, payload, masked } = await peer.nextFrame();
        expect({ opcode, masked, size: payload.length }).toEqual({ opcode: OPCODE.binary, masked: false, size });
      }
    });

    it('sends a message in fragments with a ping between them', async () => {
      const { peer } = await upgraded();
      const [first = Buffer.alloc(0), ...others] = fragments(['one ', 'two ', 'three']);
      await peer.writeRaw(Buffer.concat([first, ping('?'), ...others]));
      expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong, text: '?' });
      expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.text, text: 'one two three' });
    });

    it('answers a ping only when it is told to', async () => {
      const { peer, socket } = await upgraded();
      const answered = once(socket, 'pong');
      socket.ping('still there?');
      expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.ping, text: 'still there?' });
      await peer.writeRaw(pong('yes'));
      expect(String((await answered)[0])).toBe('yes');
    });

    it.each([
      ['a reserved bit', frame({ rsv: 4, payload: 'x' }), 1002],
      ['a reserved opcode', frame({ opcode: 3 }), 1002],
      ['no mask', frame({ mask: false, payload: 'x' }), 1002],
      ['a fragmented ping', frame({ opcode: OPCODE.ping, fin: false }), 1002],
      ['a continuation of nothing', frame({ opcode: OPCODE.continuation }), 1002],
      ['a close code that is never sent', close(1005), 1002],
      ['text that is not UTF-8', frame({ payload: Buffer.of(0xff) }), 1007],
      ['a length beyond every limit', frame({ lengthBits: 64, claimedLength: 2n ** 60n }), 1009],
    ])('can send %s', async (_what, bytes, code) => {
      const { peer } = await upgraded();
      await peer.writeRaw(bytes);
      expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: code });
    });

    it('reads code and reason of a close frame', async () => {
      const { peer, socket } = await upgraded();
      socket.close(4000, 'grüße');
      expect(await peer.nextFrame()).toMatchObject({ closeCode: 4000, closeReason: 'grüße' });
      const finished = once(socket, 'close');
      await peer.writeRaw(close());
      await expect(peer.ended()).resolves.toBe('fin');
      peer.end();
      await finished;
    });

    it('builds longer length fields and foreign masks that read back the same', () => {
      const bytes = frame({ payload: 'hi', lengthBits: 64, mask: Uint8Array.of(1, 2, 3, 4), fin: false, rsv: 2 });
      expect(bytes.toString('hex')).toBe('21ff000000000000000201020304696b');
      expect(parseFrame(bytes)).toMatchObject({
        length: 16,
        value: { fin: false, rsv: 2, masked: true, text: 'hi', closeCode: undefined },
      });
      for (let cut = 0; cut < bytes.length; cut += 1) expect(parseFrame(bytes.subarray(0, cut))).toBeUndefined();
    });
  });

  describe('the connection', () => {
    let accepted: Promise<Socket>;
    let bare: ReturnType<typeof createTcpServer>;

    beforeEach(async () => {
      accepted = new Promise((resolve) => {
        bare = createTcpServer({ allowHalfOpen: true }, resolve);
      });
      bare.listen(0, '127.0.0.1');
      await once(bare, 'listening');
      port = (bare.address() as AddressInfo).port;
    });

    afterEach(async () => {
      (await accepted).destroy();
      bare.close();
    });

    it('sees a FIN and can still write after it', async () => {
      const peer = await open();
      const socket = await accepted;
      socket.end();
      await expect(peer.ended()).resolves.toBe('fin');
      await peer.writeRaw('still here');
      expect(String((await once(socket, 'data'))[0])).toBe('still here');
    });

    it('sees a reset', async () => {
      const peer = await open();
      (await accepted).resetAndDestroy();
      await expect(peer.ended()).resolves.toBe('reset');
    });

    it('sends a reset', async () => {
      const peer = await open();
      const failed = once(await accepted, 'error');
      peer.reset();
      expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
    });

    it('ends its own direction and reads on', async () => {
      const peer = await open();
      const socket = await accepted;
      const ended = once(socket.resume(), 'end');
      peer.end();
      await ended;
      socket.write(frame({ payload: 'more', mask: false }));
      expect((await peer.nextFrame()).text).toBe('more');
    });

    it('reads nothing while it is paused', async () => {
      const peer = await open();
      const socket = await accepted;
      peer.pause();
      socket.write(frame({ payload: 'x'.repeat(70_000), mask: false }));
      await expect(peer.nextFrame({ timeoutMs: 10 })).rejects.toThrow('No sign of a frame within 10 ms: open');
      peer.resume();
      expect((await peer.nextFrame()).payload).toHaveLength(70_000);
    });

    it('prints what arrived when the connection ends too early', async () => {
      const peer = await open();
      (await accepted).end('HTTP/1.1 400\r\nhalf');
      await expect(peer.nextAnswer()).rejects.toThrow(
        'The connection ended before an HTTP answer: fin, 18 bytes unread: "HTTP/1.1 400\\r\\nhalf"',
      );
    });

    it('serves a frame reader and a wait for the end at the same time', async () => {
      const peer = await open();
      const both = Promise.all([peer.nextFrame(), peer.ended()]);
      (await accepted).end(frame({ payload: 'last', mask: false }));
      expect(await both).toMatchObject([{ text: 'last' }, 'fin']);
    });
  });
});
