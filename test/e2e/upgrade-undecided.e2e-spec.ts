import type { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { OnEstablish, OnFinish, OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { text } from '../support/raw-frame.js';
import { upgradeRequest } from '../support/raw-http.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const PATH = '/ws/echo?hold=1';

/** Waits until the server has read so much of a client. */
async function hasRead(socket: Socket, bytes: number): Promise<void> {
  while (socket.bytesRead < bytes) await new Promise((resolve) => setImmediate(resolve));
}

describe('an upgrade that is not decided yet', () => {
  let happened: Journal;
  let asked: Journal<{ socket: Socket; closed: Promise<unknown> }>;
  let decision: Gate<unknown>;
  beforeEach(() => {
    happened = new Journal();
    asked = new Journal();
    decision = new Gate();
  });

  /** Whoever comes with `hold` waits for `decision`. */
  async function boot(options: PlackWebSocketModuleOptions = {}): Promise<StartedApp> {
    @WsEndpoint('echo')
    class Echo {
      @OnEstablish()
      enter(): void {
        happened.add('establish');
      }

      @OnMessage()
      echo(message: string): string {
        return message;
      }

      @OnFinish()
      leave(): void {
        happened.add('finish');
      }
    }
    return startApp({
      endpoints: [Echo],
      options: {
        limits: { maxPendingHandshakes: 1 },
        handshake: ({ query, raw }) => {
          if (query['hold'] === undefined) return undefined;
          const { socket } = raw;
          asked.add({ socket, closed: new Promise((resolve) => socket.once('close', resolve)) });
          return decision.opened as Promise<undefined>;
        },
        onError: ({ error }) => happened.add(error),
        ...options,
      },
    });
  }

  /** A client whose handshake is held. */
  async function held(app: StartedApp): Promise<{ peer: RawPeer; closed: Promise<unknown> }> {
    const peer = await app.peer();
    await peer.writeRaw(upgradeRequest({ path: PATH }));
    const { closed } = await asked.next();
    return { peer, closed };
  }

  describe.each<[string, (peer: RawPeer) => unknown]>([
    ['ends its side', (peer) => peer.end()],
    ['closes', (peer) => peer.socket.destroy()],
    ['resets', (peer) => peer.reset()],
    ['sends a frame and resets', (peer) => peer.writeRaw(text('x')).then(() => peer.reset())],
  ])('whose client %s', (_how, leave) => {
    it.each<[string, (gate: Gate<unknown>) => void]>([
      ['accepts', (gate) => gate.open(undefined)],
      ['refuses', (gate) => gate.open({ status: 403 })],
      ['throws', (gate) => gate.fail(new Error('too late'))],
    ])(
      'is over at once: nothing is called although the hook %s later, and its place is free then',
      async (_what, decide) => {
        const app = await boot();
        const { peer, closed } = await held(app);
        await leave(peer);
        await closed;
        decide(decision);
        await decision.opened.catch(() => undefined);
        const second = await held(app);
        await second.peer.nextAnswer();
        expect(happened.entries.filter((entry) => entry !== 'invalid request')).not.toContain('finish');
        expect(happened.entries.length).toBeLessThanOrEqual(1);
        expect(app.registry.size).toBe(happened.entries.filter((entry) => entry === 'establish').length);
        expect(app.logs.at('error')).toEqual([]);
      },
    );
  });

  it('takes no harm from many clients that reset at any moment', async () => {
    const app = await boot({ limits: { maxPendingHandshakes: 100 } });
    const clients = await Promise.all(Array.from({ length: 20 }, () => app.peer()));
    const waiting = Promise.all(clients.map(() => asked.next()));
    await Promise.all(clients.map((peer) => peer.writeRaw(upgradeRequest({ path: PATH }))));
    const ends = (await waiting).map(({ closed }) => closed);
    clients.slice(0, 10).forEach((peer) => peer.reset());
    decision.open(undefined);
    clients.slice(10).forEach((peer) => peer.reset());
    await Promise.all(ends);
    const client = await app.connect('/ws/echo');
    void client.send('alive');
    expect(await client.next()).toBe('alive');
    const count = (what: string): number => happened.entries.filter((entry) => entry === what).length;
    expect(count('establish') - count('finish')).toBe(1);
    expect(app.registry.size).toBe(1);
  });

  it('is refused with 408 when its time is over, and what comes later changes nothing', async () => {
    const app = await boot({ handshakeTimeoutMs: 20 });
    const { peer, closed } = await held(app);
    expect((await peer.nextAnswer()).status).toBe(408);
    expect(happened.entries).toEqual(['handshake timeout']);
    decision.fail(new Error('too late'));
    peer.end();
    await closed;
    await app.connect('/ws/echo');
    expect(happened.entries).toEqual(['handshake timeout', 'establish']);
    expect(app.logs.problems).toEqual([]);
  });

  it('is refused with 503 when the application stops meanwhile', async () => {
    const app = await boot();
    const { peer } = await held(app);
    const closed = app.app.close();
    decision.open(undefined);
    expect((await peer.nextAnswer()).status).toBe(503);
    peer.end();
    await closed;
    expect(happened.entries).toEqual(['not accepting']);
  });

  it('does not keep the application from stopping', async () => {
    const app = await boot({ shutdown: { graceMs: 20 }, handshakeTimeoutMs: 0 });
    const { peer } = await held(app);
    const closed = app.app.close();
    expect((await peer.nextAnswer()).status).toBe(503);
    peer.end();
    await closed;
    expect(happened.entries).toEqual(['not accepting']);
  });

  it('keeps what the client sends ahead, however much, and in order', async () => {
    const app = await boot();
    const peer = await app.peer();
    const ahead = Array.from({ length: 30 }, (_, index) => `${index}:${'x'.repeat(8_000)}`);
    await peer.writeRaw(upgradeRequest({ path: PATH }));
    const { socket } = await asked.next();
    const written = peer.writeRaw(Buffer.concat(ahead.map((message) => text(message))));
    await hasRead(socket, 65_536);
    decision.open(undefined);
    expect((await peer.nextAnswer()).status).toBe(101);
    await written;
    const echoed: string[] = [];
    while (echoed.length < ahead.length) echoed.push((await peer.nextFrame()).text);
    expect(echoed).toEqual(ahead);
  });

  it('delivers a frame that came in the packet of the request', async () => {
    const app = await boot();
    const peer = await app.peer();
    await peer.writeRaw(Buffer.concat([Buffer.from(upgradeRequest({ path: PATH })), text('early')]));
    const { socket } = await asked.next();
    await peer.writeRaw(text('meanwhile'));
    await hasRead(socket, peer.socket.bytesWritten);
    decision.open(undefined);
    await peer.nextAnswer();
    expect([(await peer.nextFrame()).text, (await peer.nextFrame()).text]).toEqual(['early', 'meanwhile']);
  });
});
