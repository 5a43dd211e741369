import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Connection } from '../../../../src/index.js';
import { ConnectionWebSocket } from '../../../../src/websocket/adapter/ws/connection-websocket.js';
import { makeFrugal } from '../../../../src/websocket/adapter/ws/frugal-receiver.js';
import { FastTransport } from '../../../../src/websocket/adapter/ws/fast-transport.js';
import {
  findReceiverClass,
  internalsOf,
  ParserState,
  type Receiver,
} from '../../../../src/websocket/adapter/ws/ws-internals.js';
import { EchoEndpoint, lastOpened } from '../../../support/echo-endpoint.js';
import { close, frame, OPCODE, ping, text } from '../../../support/raw-frame.js';
import type { RawPeer } from '../../../support/raw-peer.js';
import { startApp, type StartedApp } from '../../../support/start-app.js';

/*
 * What is taken of `ws` beyond its documented interface. Each test says in its name what must stay true; when one fails after
 * an update of `ws`, `adapter/ws/ws-internals.ts` says what it is for and which way there is without it.
 */

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

function createParser(): Receiver {
  const parserClass = findReceiverClass();
  if (parserClass === undefined) throw new Error('ws exports no parser');
  return new parserClass({ isServer: true });
}

describe('sending relies on', () => {
  it('ws taking a subclass as its socket', async () => {
    const { connection } = await open();
    const isOff = process.env['PLACK_WS_FAST_PATH'] === 'off';
    expect(connection.raw).toBeInstanceOf(ConnectionWebSocket);
    expect(connection.raw).toBeInstanceOf(WebSocket);
    expect((connection.raw as ConnectionWebSocket).transport instanceof FastTransport).toBe(!isOff);
  });

  it("Node's sockets writing by the method that every stream has, so that a wrapped one shows", () => {
    expect(Socket.prototype.write).toBe(Writable.prototype.write);
    expect(Object.hasOwn(TLSSocket.prototype, '_write')).toBe(false);
  });

  it('ws answering a close frame through close(): replies of the same packet leave before it', async () => {
    const { peer } = await open();
    await peer.writeRaw(Buffer.concat([text('one'), text('two'), close(1000)]));
    expect(await frames(peer, 3)).toEqual(['1 one', '1 two', 'close 1000']);
  });

  it('ws answering a ping through pong(): replies keep their place around it', async () => {
    const { peer } = await open();
    await peer.writeRaw(Buffer.concat([text('one'), ping('p'), text('two')]));
    expect(await frames(peer, 3)).toEqual(['1 one', '10 p', '1 two']);
  });

  it('ws closing a faulty peer through close(): what was replied before leaves first', async () => {
    const { peer } = await open();
    // A frame with a reserved bit behind a good one.
    await peer.writeRaw(Buffer.concat([text('one'), Buffer.from([0xc1, 0x80, 0, 0, 0, 0])]));
    expect(await frames(peer, 2)).toEqual(['1 one', 'close 1002']);
  });

  it('ws writing its frames at once: a ping and a send of the application keep their order', async () => {
    const { peer, connection } = await open();
    void connection.send('before');
    void connection.ping();
    void connection.send('after');
    expect(await frames(peer, 3)).toEqual(['1 before', expect.stringMatching(/^9 /), '1 after']);
  });
});

describe('reading relies on', () => {
  it('ws having the parser that is known here: reading is frugal too', async () => {
    const { connection } = await open();
    const isOff = process.env['PLACK_WS_FAST_PATH'] === 'off';
    const { _receiver: receiver } = connection.raw as { _receiver?: object };
    expect(Object.hasOwn(receiver ?? {}, 'write')).toBe(!isOff);
  });

  it('a parser that has read nothing having these names and values', () => {
    const parser = createParser();
    expect(parser).toMatchObject({
      _bufferedBytes: 0,
      _buffers: [],
      _skipUTF8Validation: false,
      _state: ParserState.getInfo,
      _opcode: 0,
      _fin: false,
      _fragmented: 0,
      _loop: false,
    });
    expect(typeof parser.consume).toBe('function');
  });

  it('its states: between two frames, at the mask, at the payload', () => {
    const parser = createParser();
    const bytes = frame({ payload: 'payload', fin: false });
    const states = [1, 1, 3, 1, 6, 1].map((length, i, lengths) => {
      const start = lengths.slice(0, i).reduce((sum, part) => sum + part, 0);
      parser.write(bytes.subarray(start, start + length));
      return parser._state;
    });
    const { getInfo, getMask, getData } = ParserState;
    expect(states).toEqual([getInfo, getMask, getMask, getData, getData, getInfo]);
    expect([parser._opcode, parser._fin, parser._fragmented]).toEqual([OPCODE.text, false, OPCODE.text]);
  });
});

describe('giving others their turn relies on', () => {
  it.each([true, false])(
    'a parser that can be stopped in an event and goes on with an empty chunk, frugal: %s',
    (isFrugal) => {
      const parser = createParser();
      const seen: string[] = [];
      if (isFrugal) {
        const listened = { listenerCount: () => 1, isUnfinished: false, isYielding: false };
        makeFrugal(parser, { ...listened, noteUnfinished: () => undefined, noteEmptyFragment: () => undefined });
      }
      for (const event of ['message', 'ping']) {
        parser.on(event, (data: Buffer) => {
          seen.push(data.toString());
          parser._loop = false;
        });
      }
      parser.write(Buffer.concat([text('one'), ping('two'), text('three'), frame({ payload: 'fo', fin: false })]));
      expect([seen.length, parser._state, parser._bufferedBytes > 0]).toEqual([1, ParserState.getInfo, true]);
      for (let count = 0; count < 3; count++) parser.write(Buffer.alloc(0));
      parser.write(frame({ opcode: 0, payload: 'ur' }));
      expect(seen).toEqual(['one', 'two', 'three', 'four']);
      expect(parser._bufferedBytes).toBe(0);
    },
  );
});

describe('counting empty fragments relies on', () => {
  it('a parser asking consume for the mask of each frame, with its end and its length known', () => {
    const parser = createParser();
    const seen: [boolean, number][] = [];
    const { consume } = parser;
    parser.consume = (byteLength) => {
      if (parser._state === ParserState.getMask) seen.push([parser._fin, parser._payloadLength]);
      return consume.call(parser, byteLength);
    };
    const parts = [frame({ payload: 'a', fin: false }), ...[false, true].map((fin) => frame({ opcode: 0, fin }))];
    parser.write(Buffer.concat([...parts, text('')]));
    expect(seen).toEqual([
      [false, 1],
      [false, 0],
      [true, 0],
      [true, 0],
    ]);
  });
});

describe('telling who closes relies on', () => {
  it('an open WebSocket having these names and values', async () => {
    const { connection } = await open();
    const internals = internalsOf(connection.raw as WebSocket);
    expect(internals).toMatchObject({ _closeFrameReceived: false, _pendingAutoPongs: 0, _maxPendingAutoPongs: 64 });
    expect(internals._receiver?.errored).toBeNull();
  });

  it('the close frame of the peer being noted before it is answered', async () => {
    const { peer, connection } = await open();
    const noted: unknown[] = [];
    const raw = connection.raw as ConnectionWebSocket;
    const answer = raw.close.bind(raw);
    raw.close = (...args) => {
      noted.push(internalsOf(raw)._closeFrameReceived);
      answer(...args);
    };
    await peer.writeRaw(close(1000));
    expect(await frames(peer, 1)).toEqual(['close 1000']);
    expect(noted).toEqual([true]);
  });
});
