import { describe, expect, it } from '@jest/globals';
import { ForbiddenException } from '@nestjs/common';
import fc from 'fast-check';
import { Connection, OnEstablish, OnFinish, OnMessage, RequestContext, WsEndpoint } from '../../src/index.js';
import { binary, close, frame, ping, text } from '../support/raw-frame.js';
import { upgradeRequest } from '../support/raw-http.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const boom = (): never => {
  throw new Error('boom');
};

/** What the application does with a client, as the client asks for it in its query. */
const plan = fc.record({
  hook: fc.constantFrom('accept', 'accept', 'accept later', 'accept later', 'refuse', 'refuse later', 'throw'),
  establish: fc.constantFrom('nothing', 'later', 'throw', 'reject', 'close', 'terminate'),
  message: fc.constantFrom('echo', 'later', 'throw', 'close', 'terminate'),
  finish: fc.constantFrom('nothing', 'later', 'throw'),
});

/** What the client does, one after the other; a turn of the event loop may pass between two. */
const step = fc.constantFrom<[string, (peer: RawPeer) => unknown]>(
  ['text', (peer) => peer.writeRaw(text('x'))],
  ['binary', (peer) => peer.writeRaw(binary(Buffer.of(1)))],
  ['ping', (peer) => peer.writeRaw(ping())],
  ['half a frame', (peer) => peer.writeRaw(text('half').subarray(0, 4))],
  ['an unmasked frame', (peer) => peer.writeRaw(frame({ mask: false }))],
  ['a close', (peer) => peer.writeRaw(close(1000))],
  ['a bad close', (peer) => peer.writeRaw(close(1005))],
  ['an end', (peer) => peer.end()],
  // Node leaks the handle of a socket that is reset after it was ended.
  ['a reset', (peer) => (peer.socket.writableEnded ? peer.socket.destroy() : peer.reset())],
  ['a wait', turn],
  [
    'a longer wait',
    async () => {
      for (let n = 0; n < 10; n++) await turn();
    },
  ],
);
const client = fc.record({
  plan,
  upgrade: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'with a frame', 'half', 'bad'),
  isPatient: fc.boolean(),
  steps: fc.array(step, { maxLength: 6 }),
});
type Client = typeof client extends fc.Arbitrary<infer T> ? T : never;

/** How often each connection was established and finished, and what came at the wrong time. */
class Ledger {
  readonly violations: string[] = [];
  readonly established = new Map<string, number>();
  readonly finished = new Map<string, number>();

  note(book: 'established' | 'finished', id: string): void {
    this[book].set(id, (this[book].get(id) ?? 0) + 1);
  }
}

function makeEndpoint(ledger: Ledger): new () => object {
  const doing = (connection: Connection, what: string): unknown => {
    const wish = connection.query[what];
    if (wish === 'throw') return boom();
    if (wish === 'reject') return turn().then(boom);
    if (wish === 'later') return turn().then(turn);
    if (wish === 'close') connection.close(4000);
    if (wish === 'terminate') connection.terminate();
    return undefined;
  };

  @WsEndpoint('any')
  class Any {
    @OnEstablish()
    enter(connection: Connection): unknown {
      ledger.note('established', connection.id);
      return doing(connection, 'establish');
    }

    @OnMessage()
    async take(connection: Connection, message: string | Buffer): Promise<unknown> {
      if (ledger.finished.has(connection.id)) ledger.violations.push('a message after the finish');
      await doing(connection, 'message');
      return message;
    }

    @OnFinish()
    leave(connection: Connection): unknown {
      if (ledger.established.get(connection.id) !== 1) ledger.violations.push('a finish before establish');
      ledger.note('finished', connection.id);
      return doing(connection, 'finish');
    }
  }
  return Any;
}

async function decide({ query }: RequestContext): Promise<undefined> {
  if (query['hook']?.includes('later') === true) await turn().then(turn);
  if (query['hook'] === 'throw') boom();
  if (query['hook']?.includes('refuse') === true) throw new ForbiddenException();
}

async function play(app: StartedApp, { plan: wishes, upgrade, isPatient, steps }: Client): Promise<void> {
  const peer = await app.peer();
  const path = `/ws/any?${new URLSearchParams(wishes).toString()}`;
  const request = upgradeRequest({ path, ...(upgrade === 'bad' ? { key: 'bad' } : {}) });
  if (upgrade === 'half') await peer.writeRaw(request.slice(0, 60));
  else
    await peer.writeRaw(
      Buffer.concat([Buffer.from(request), upgrade === 'with a frame' ? text('early') : Buffer.alloc(0)]),
    );
  if (isPatient && upgrade !== 'half') await peer.nextAnswer();
  for (const [, run] of steps) await run(peer);
  await peer[Symbol.asyncDispose]();
}

describe('establish and finish', () => {
  it('are balanced, each once, whatever the clients and the application do', async () => {
    const ledger = new Ledger();
    const app = await startApp({
      endpoints: [makeEndpoint(ledger)],
      options: { handshake: decide, closeTimeoutMs: 20 },
    });
    const server = app.app.getHttpServer();
    let events = 0;
    app.registry.on('establish', () => events++);
    app.registry.on('finish', () => events--);
    const sockets = new Set<object>();
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });

    await fc.assert(
      fc.asyncProperty(fc.array(client, { minLength: 1, maxLength: 5 }), async (clients) => {
        await Promise.all(clients.map((one) => play(app, one)));
        while (sockets.size > 0 || events > 0) await turn();
        expect([app.registry.size, ledger.violations]).toEqual([0, []]);
        expect([...ledger.finished.keys()].toSorted()).toEqual([...ledger.established.keys()].toSorted());
        const twice = [...ledger.established, ...ledger.finished].filter(([, count]) => count !== 1);
        expect(twice).toEqual([]);
      }),
      { numRuns: 100 },
    );
    const last = await app.connect('/ws/any?message=echo');
    void last.send('still here');
    expect(await last.next()).toBe('still here');
  });
});
