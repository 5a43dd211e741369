import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import {
  NoMessageError,
  NotClosedError,
  NotOpenError,
  UnexpectedMessageError,
} from '../../../src/websocket/testing/errors.js';
import { QueuedClient } from '../../../src/websocket/testing/queued-client.js';
import { patient } from '../../support/patience.js';

describe('QueuedClient', () => {
  let wss: WebSocketServer;
  let peer: WebSocket;
  let client: QueuedClient;

  beforeEach(async () => {
    wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(wss, 'listening');
    const accepted = once(wss, 'connection');
    const { port } = wss.address() as AddressInfo;
    client = new QueuedClient(new WebSocket(`ws://127.0.0.1:${port}/room`), '/room', patient(1000));
    [peer] = (await accepted) as [WebSocket];
    if (client.raw.readyState !== WebSocket.OPEN) await once(client.raw, 'open');
  });

  afterEach(async () => {
    for (const socket of wss.clients) socket.terminate();
    wss.close();
    await client.terminate();
  });

  describe('expectNothing', () => {
    it('is content where nothing has come, or all of it was taken', async () => {
      await expect(client.expectNothing()).resolves.toBeUndefined();
      peer.send('one');
      await client.next();
      await expect(client.expectNothing()).resolves.toBeUndefined();
    });

    it('says what has come, and leaves it to be taken', async () => {
      peer.send('one');
      const refused = client.expectNothing();
      await expect(refused).rejects.toThrow(UnexpectedMessageError);
      await expect(refused).rejects.toThrow('Nothing was expected on /room: open. 1 arrived, 1 not taken; "one"');
      await expect(client.next()).resolves.toBe('one');
    });

    it('sees what leaves behind the first pong', async () => {
      peer.once('ping', () => setImmediate(() => peer.send('late')));
      await expect(client.expectNothing()).rejects.toThrow('"late"');
    });

    it('looks at what came before the end', async () => {
      peer.send('last');
      peer.close(1000);
      await client.closed();
      await expect(client.expectNothing()).rejects.toThrow('"last"');
      await client.next();
      await expect(client.expectNothing()).resolves.toBeUndefined();
    });

    it('gives up where no pong comes', async () => {
      peer.pause();
      await expect(client.expectNothing({ timeoutMs: 20 })).rejects.toThrow(NoMessageError);
      peer.resume();
    });
  });

  describe('next', () => {
    it('takes messages in the order of their arrival, text as strings and binary as buffers', async () => {
      peer.send('');
      peer.send(Buffer.from([1, 2]));
      peer.send('last');
      await expect(client.next()).resolves.toBe('');
      await expect(client.next()).resolves.toEqual(Buffer.from([1, 2]));
      await expect(client.next()).resolves.toBe('last');
      expect(client.pending).toBe(0);
    });

    it('serves several calls in the order of the calls', async () => {
      const taken = Promise.all([client.next(), client.next()]);
      peer.send('a');
      peer.send('b');
      await expect(taken).resolves.toEqual(['a', 'b']);
    });

    it('prints the state and what did arrive when the time is over', async () => {
      peer.send('hello');
      peer.send(Buffer.from('beef', 'hex'));
      await client.next();
      await client.next();
      await expect(client.next({ timeoutMs: 10 })).rejects.toThrow(
        'No message within 10 ms: /room is open. 2 arrived, 0 not taken; "hello", <2 bytes beef>',
      );
    });

    it('prints that nothing arrived, and only the newest of many and the start of the long', async () => {
      await expect(client.next({ timeoutMs: 0 })).rejects.toThrow('/room is open. Nothing has arrived.');
      for (let i = 0; i < 12; i += 1) peer.send(i === 11 ? 'x'.repeat(1000) : String(i));
      for (let i = 0; i < 12; i += 1) await client.next();
      const failure = await client.next({ timeoutMs: 0 }).catch((error: Error) => error.message);
      expect(failure).toContain('12 arrived, 0 not taken; last 10: "2", "3"');
      expect(failure).toContain('x"… (1000 characters)');
      expect(String(failure).length).toBeLessThan(500);
    });

    it('points at the line of the test that waited', async () => {
      const failure = await client.next({ timeoutMs: 0 }).catch((error: Error) => error);
      expect(failure).toBeInstanceOf(NoMessageError);
      expect((failure as NoMessageError).code).toBe('no_message');
      expect((failure as NoMessageError).stack?.split('\n')[1]).toContain('queued-client.spec.ts');
    });

    it('gives what is left after the end, then rejects at once with the close code', async () => {
      peer.send('last words');
      peer.close(4001, 'enough');
      await client.closed();
      await expect(client.next()).resolves.toBe('last words');
      await expect(client.next({ timeoutMs: Infinity })).rejects.toThrow('closed with 4001 "enough". 1 arrived');
    });

    it('rejects a waiting call when the connection closes', async () => {
      const waiting = client.next({ timeoutMs: Infinity });
      peer.close();
      await expect(waiting).rejects.toThrow('closed with 1005');
    });

    it('lets a message that comes after a time-out go to the next call', async () => {
      await expect(client.next({ timeoutMs: 0 })).rejects.toThrow(NoMessageError);
      peer.send('late');
      await expect(client.next()).resolves.toBe('late');
    });

    it('times out under fake timers', async () => {
      jest.useFakeTimers();
      try {
        await expect(client.next({ timeoutMs: 5 })).rejects.toThrow(NoMessageError);
      } finally {
        jest.useRealTimers();
      }
    });
  });

  it('parses JSON from text and from bytes', async () => {
    peer.send('{"a":1}');
    peer.send(Buffer.from('[2]'));
    await expect(client.nextJson()).resolves.toEqual({ a: 1 });
    await expect(client.nextJson()).resolves.toEqual([2]);
  });

  it('prints a message that is not JSON', async () => {
    peer.send('oops');
    await expect(client.nextJson()).rejects.toThrow('The message on /room is not JSON: "oops"');
  });

  it('yields messages until the connection is closed', async () => {
    peer.send('a');
    peer.send('b');
    peer.close(1011);
    const seen: unknown[] = [];
    for await (const message of client) seen.push(message);
    expect(seen).toEqual(['a', 'b']);
  });

  describe('send', () => {
    it.each([
      ['a string as text', 'hi', 'hi', false],
      ['a buffer as binary', Buffer.from([0, 255]), Buffer.from([0, 255]), true],
      ['an object as JSON', { a: [1] }, '{"a":[1]}', false],
      ['null as JSON', null, 'null', false],
    ])('sends %s', async (_what, value, expected, binary) => {
      const arrived = once(peer, 'message');
      await client.send(value);
      const [data, isBinary] = (await arrived) as [Buffer, boolean];
      expect(isBinary ? data : data.toString()).toEqual(expected);
      expect(isBinary).toBe(binary);
    });

    it.each([[undefined], [10n]])('throws at once for %p', (value) => {
      expect(() => client.send(value)).toThrow(TypeError);
    });

    it('rejects after the end, and only for who awaits it', async () => {
      await client.close();
      void client.send('nobody cares');
      await expect(client.send('too late')).rejects.toThrow(NotOpenError);
      await expect(client.send('too late')).rejects.toThrow('closed with 1005');
    });
  });

  describe('the end', () => {
    it('tells code and reason of a clean close by the server', async () => {
      peer.close(1001, 'bye');
      await expect(client.closed()).resolves.toEqual({ code: 1001, reason: 'bye', clean: true });
      expect(client.state).toBe('closed');
    });

    it('tells 1006 when the server cuts the connection', async () => {
      peer.terminate();
      await expect(client.closed()).resolves.toEqual({ code: 1006, reason: '', clean: false });
    });

    it('closes with a code and a reason', async () => {
      const finish = once(peer, 'close');
      await expect(client.close(4000, 'done')).resolves.toEqual({ code: 4000, reason: 'done', clean: true });
      expect((await finish).map(String)).toEqual(['4000', 'done']);
    });

    it('cuts the connection', async () => {
      const finish = once(peer, 'close');
      await client.terminate();
      expect((await finish)[0]).toBe(1006);
    });

    it('says that the connection is still open', async () => {
      const failure = await client.closed({ timeoutMs: 0 }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(NotClosedError);
      expect((failure as NotClosedError).message).toBe('Not closed within 0 ms: /room is open. Nothing has arrived.');
    });

    it('shows a protocol error of the server instead of raising it', async () => {
      // Past `ws`, straight to its socket: a text frame with RSV1, 2 and 3 set.
      const { _socket: tcp } = peer as unknown as { _socket: Socket };
      tcp.write(Buffer.from([0xf1, 0x00]));
      await expect(client.closed()).resolves.toMatchObject({ code: 1006, clean: false });
      await expect(client.next()).rejects.toThrow('after an error (Invalid WebSocket frame: RSV');
    });

    it('closes at the end of `await using`', async () => {
      const finish = once(peer, 'close');
      await client[Symbol.asyncDispose]();
      expect((await finish)[0]).toBe(1000);
    });
  });
});
