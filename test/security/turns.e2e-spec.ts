import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { FinishInfo, OnFinish, OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { close, OPCODE, ping, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/** Counts what is handled in each turn of the event loop. */
class Turns {
  most = 0;
  total = 0;
  #now = 0;
  #isOver = false;

  constructor() {
    const next = (): void => {
      this.#now = 0;
      if (!this.#isOver) setImmediate(next);
    };
    next();
  }

  count(): void {
    this.total++;
    this.most = Math.max(this.most, ++this.#now);
  }

  stop(): void {
    this.#isOver = true;
  }
}

let turns: Turns;
let finished: Journal<number>;

@WsEndpoint('sync')
class Sync {
  @OnMessage()
  say(_connection: unknown, message: string): string {
    turns.count();
    return message;
  }

  @OnFinish()
  leave(_connection: unknown, _end: FinishInfo): void {
    finished.add(turns.total);
  }
}

@WsEndpoint('async')
class Async {
  @OnMessage()
  async say(_connection: unknown, message: string): Promise<string> {
    turns.count();
    return message;
  }
}

@WebSocketGateway({ path: '/stock' })
class Stock {
  @SubscribeMessage('say')
  say(): void {
    turns.count();
  }
}

const FLOOD = 5_000;
/** In one turn: what one connection may have, and what its inbox may hold beside it. */
const FEW = 1_000;

async function boot(options: PlackWebSocketModuleOptions): Promise<StartedApp> {
  return startApp({ endpoints: [Sync, Async], providers: [Stock], options: { gateways: true, ...options } });
}

async function open(app: StartedApp, path: string, headers: Record<string, string> = {}): Promise<RawPeer> {
  const peer = await app.peer();
  expect((await peer.upgrade({ path, headers })).status).toBe(101);
  return peer;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe.each(['on', 'off'])('a flood of messages of one peer, the fast path %s,', (fastPath) => {
  const before = process.env['PLACK_WS_FAST_PATH'];
  beforeEach(() => {
    process.env['PLACK_WS_FAST_PATH'] = fastPath === 'off' || before === 'off' ? 'off' : 'on';
    turns = new Turns();
    finished = new Journal();
  });
  afterEach(() => {
    turns.stop();
    if (before === undefined) delete process.env['PLACK_WS_FAST_PATH'];
    else process.env['PLACK_WS_FAST_PATH'] = before;
  });

  it.each<[string, string, PlackWebSocketModuleOptions]>([
    ['an endpoint', '/ws/sync', {}],
    ['an endpoint with compression', '/ws/sync', { compression: true }],
    ['asynchronous handlers', '/ws/async', {}],
    ['several at a time', '/ws/async', { concurrency: 8 }],
    ['a gateway', '/stock', {}],
  ])('is handled in many turns, so that others get theirs: %s', async (_what, path, options) => {
    const app = await boot(options);
    const peer = await open(app, path, { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    const message = text(path === '/stock' ? '{"event":"say"}' : '');
    await peer.writeRaw(Buffer.concat(Array.from({ length: FLOOD }, () => message)));
    await until(() => turns.total === FLOOD);
    expect(turns.most).toBeLessThan(FEW);
  });

  it.each(['/ws/sync', '/ws/async'])('keeps its order, with pings among it, and is answered: %s', async (path) => {
    const app = await boot({});
    const peer = await open(app, path);
    const count = 3_000;
    const parts = Array.from({ length: count }, (_, n) => [
      text(String(n)),
      ...(n % 100 === 99 ? [ping(`p${n}`)] : []),
    ]);
    await peer.writeInParts(Buffer.concat(parts.flat()), 20_011);
    const seen: string[] = [];
    const pongs: string[] = [];
    while (seen.length < count || pongs.length < count / 100) {
      const frame = await peer.nextFrame();
      (frame.opcode === OPCODE.pong ? pongs : seen).push(frame.text);
    }
    expect(seen).toEqual(Array.from({ length: count }, (_, n) => String(n)));
    expect(pongs).toEqual(Array.from({ length: count / 100 }, (_, n) => `p${n * 100 + 99}`));
  });

  it('is handled and answered to the last before a close frame behind it', async () => {
    const app = await boot({});
    const peer = await open(app, '/ws/sync');
    const count = 3_000;
    await peer.writeRaw(Buffer.concat([...Array.from({ length: count }, (_, n) => text(String(n))), close(1000)]));
    for (let n = 0; n < count; n++) expect((await peer.nextFrame()).text).toBe(String(n));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 1000 });
    peer.end();
    expect(await finished.next()).toBe(count);
  });

  it('is handled to the last where the peer ends its stream behind it', async () => {
    const app = await boot({});
    const peer = await open(app, '/ws/sync');
    void peer.writeRaw(Buffer.concat(Array.from({ length: 3_000 }, (_, n) => text(String(n)))));
    peer.end();
    expect(await finished.next()).toBe(3_000);
  });
});
