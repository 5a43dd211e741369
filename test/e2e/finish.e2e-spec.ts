import { once } from 'node:events';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  OutboxOverflowError,
  UnsupportedDataError,
  WsEndpoint,
  type FinishInitiator,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { binary, close, fragments, frame, OPCODE, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

interface Ended {
  readonly app: StartedApp;
  readonly peer: RawPeer;
  readonly connection: Connection;
}

const boom = new Error('boom');

function closeBoth({ connection, peer }: Ended, answer: Uint8Array): Promise<void> {
  connection.close();
  return peer.writeRaw(answer);
}

describe('the end of a connection', () => {
  let ends: Journal<FinishInfo>;
  let events: Journal;
  beforeEach(() => {
    ends = new Journal();
    events = new Journal();
  });

  /** Establishes one connection with a peer that speaks bytes. */
  async function open(options: PlackWebSocketModuleOptions = {}, path = '/ws/raw'): Promise<Ended> {
    @WsEndpoint('raw')
    class Raw {
      @OnMessage()
      take(): never {
        throw boom;
      }

      @OnFinish()
      leave(end: FinishInfo): void {
        ends.add(end);
      }
    }
    @WsEndpoint({ path: 'json', serializer: 'json' })
    class Json extends Raw {}
    @WsEndpoint('failing')
    class Failing extends Raw {
      @OnEstablish()
      async enter(): Promise<void> {
        throw boom;
      }
    }
    const app = await startApp({ endpoints: [Raw, Json, Failing], options });
    app.registry.on('establish', () => events.add('establish'));
    app.registry.on('finish', () => events.add('finish'));
    const established = new Promise<Connection>((resolve) => app.registry.on('establish', resolve));
    const peer = await app.peer({ allowHalfOpen: false });
    await peer.upgrade({ path });
    return { app, peer, connection: await established };
  }

  describe('is told as it was', () => {
    type End = (ended: Ended) => unknown;
    const clean = (code: number, reason: string, initiator: FinishInitiator): object => ({
      code,
      reason,
      clean: true,
      initiator,
      error: undefined,
    });
    const cut = (code: number, initiator: FinishInitiator, error?: unknown): object => ({
      code,
      reason: '',
      clean: false,
      initiator,
      error,
    });
    const fault = (code: number): object => cut(code, 'error', expect.any(Error));
    const tooMany = fragments(Array.from({ length: 129 }, () => 'x'));

    it.each<[string, End, object]>([
      [
        'the client closes with a reason',
        ({ peer }) => peer.writeRaw(close(4001, 'bye')),
        clean(4001, 'bye', 'client'),
      ],
      ['the client closes without a code', ({ peer }) => peer.writeRaw(close()), clean(1005, '', 'client')],
      ['the client ends without a close frame', ({ peer }) => peer.end(), cut(1006, 'client')],
      [
        'the client ends inside a frame',
        ({ peer }) => peer.socket.end(text('half').subarray(0, 7)),
        cut(1006, 'client'),
      ],
      ['the client resets', ({ peer }) => peer.reset(), cut(1006, 'client')],
      ['the server closes', (ended) => closeBoth(ended, close(1000)), clean(1000, '', 'server')],
      [
        'the client answers with another code',
        (ended) => closeBoth(ended, close(4009, 'other')),
        clean(1000, '', 'server'),
      ],
      ['the server cuts the connection', ({ connection }) => connection.terminate(), cut(1006, 'server')],
      ['a frame is not masked', ({ peer }) => peer.writeRaw(frame({ mask: false })), fault(1002)],
      ['a text is not UTF-8', ({ peer }) => peer.writeRaw(frame({ payload: Buffer.of(0xc0, 0xaf) })), fault(1007)],
      ['the client closes with 1005', ({ peer }) => peer.writeRaw(close(1005)), fault(1002)],
      ['a message is too large', ({ peer }) => peer.writeRaw(text('x'.repeat(65_537))), fault(1009)],
      ['a message has too many fragments', ({ peer }) => peer.writeRaw(Buffer.concat(tooMany)), fault(1008)],
    ])('when %s', async (_what, end, expected) => {
      const ended = await open();
      await end(ended);
      const info = await ends.next();
      expect(info).toBeInstanceOf(FinishInfo);
      expect({ ...info }).toEqual(expected);
    });

    it('when the client does not answer the close: with the code that was sent, not clean', async () => {
      const { connection } = await open({ closeTimeoutMs: 20 });
      connection.close(4000, 'hello?');
      expect(await ends.next()).toEqual(new FinishInfo(4000, 'hello?', false, 'server'));
    });

    it('when the client is silent: by the heartbeat', async () => {
      await open({ heartbeat: { intervalMs: 20, timeoutMs: 20 } });
      expect(await ends.next()).toMatchObject({ code: 1006, clean: false, initiator: 'heartbeat' });
    });

    it('when the client does not read: by the limit', async () => {
      const { connection, peer } = await open({ limits: { maxBufferedBytes: 1_000 }, closeTimeoutMs: 20 });
      peer.pause();
      void connection.send(Buffer.alloc(32 * 1024 * 1024));
      expect(await connection.send(Buffer.alloc(1_000))).toBe(false);
      expect(await ends.next()).toMatchObject({
        code: 1013,
        initiator: 'limit',
        error: expect.any(OutboxOverflowError),
      });
    });

    it('when a raw handler throws', async () => {
      const { peer } = await open();
      await peer.writeRaw(Buffer.concat([text('x'), close(1011)]));
      expect(await ends.next()).toEqual(new FinishInfo(1011, 'internal error', true, 'error', boom));
    });

    it('when binary comes where only text is taken', async () => {
      const { peer } = await open({}, '/ws/json');
      await peer.writeRaw(Buffer.concat([binary(Buffer.of(1)), close(1003)]));
      expect(await ends.next()).toMatchObject({
        code: 1003,
        clean: true,
        initiator: 'error',
        error: expect.any(UnsupportedDataError),
      });
    });

    it('when @OnEstablish fails', async () => {
      const { peer } = await open({}, '/ws/failing');
      expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 1011 });
      await peer.writeRaw(close(1011));
      expect(await ends.next()).toMatchObject({ code: 1011, clean: true, initiator: 'error', error: boom });
    });

    it('when the application stops', async () => {
      const { app, peer } = await open();
      const closed = app.app.close();
      expect(await peer.nextFrame()).toMatchObject({ closeCode: 1001, closeReason: 'server shutting down' });
      await peer.writeRaw(close(1001));
      expect(await ends.next()).toEqual(new FinishInfo(1001, 'server shutting down', true, 'shutdown'));
      await closed;
    });

    it('when the application stops and the client does not answer', async () => {
      const { app, peer } = await open({ shutdown: { code: 4100, reason: 'later', graceMs: 20 } });
      const closed = app.app.close();
      expect(await peer.nextFrame()).toMatchObject({ closeCode: 4100, closeReason: 'later' });
      expect(await ends.next()).toEqual(new FinishInfo(4100, 'later', false, 'shutdown'));
      await closed;
    });
  });

  it.each([1000, 4321, undefined])('by the client with %p is answered with the same', async (code) => {
    const { peer } = await open();
    await peer.writeRaw(close(code));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: code });
    expect(await peer.ended()).toBe('fin');
  });

  it('comes once, in whichever ways it comes at the same time', async () => {
    const { app, connection, peer } = await open();
    connection.close();
    connection.terminate();
    peer.reset();
    await ends.next();
    await app.connect('/ws/raw');
    await events.reached(3);
    expect([ends.entries.length, events.entries]).toEqual([1, ['establish', 'finish', 'establish']]);
  });

  it('aborts the signal, with itself as the reason', async () => {
    const { connection, peer } = await open();
    const { signal } = connection;
    expect(signal.aborted).toBe(false);
    const aborted = once(signal, 'abort');
    await peer.writeRaw(close(4001, 'bye'));
    await aborted;
    expect(signal.reason).toEqual(new FinishInfo(4001, 'bye', true, 'client'));
    expect(await ends.next()).toBe(signal.reason);
    expect(connection.signal).toBe(signal);
  });

  it('is waited for until an asynchronous @OnEstablish has settled', async () => {
    const gate = new Gate();
    @WsEndpoint('slow')
    class Slow {
      @OnEstablish()
      async enter(connection: Connection): Promise<void> {
        events.add('establish');
        await gate.opened;
        events.add(`established ${connection.state}`);
      }

      @OnFinish()
      leave(): void {
        events.add('finish');
      }
    }
    const app = await startApp({ endpoints: [Slow] });
    const client = await app.connect('/ws/slow');
    const [connection] = app.registry;
    const gone = once(connection?.signal as AbortSignal, 'abort');
    await client.terminate();
    await gone;
    expect([app.registry.size, events.entries]).toEqual([0, ['establish']]);
    gate.open();
    await events.reached(3);
    expect(events.entries).toEqual(['establish', 'established closed', 'finish']);
  });
});
