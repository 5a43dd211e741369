import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { Gate, Journal } from '../../support/journal.js';
import { BOTH, byOption as OURS, startGateways } from './start-gateways.js';

/** Handlers that wait for what a test decides. */
@WebSocketGateway({ path: '/asking' })
class Asking {
  readonly begun = new Journal<unknown>();
  readonly gates = new Map<unknown, Gate<unknown>>();

  /** Asks the client something and answers with what it says. */
  @SubscribeMessage('start')
  async start(@ConnectedSocket() client: WebSocket): Promise<unknown> {
    client.send(JSON.stringify({ event: 'question' }));
    return { event: 'started', data: await this.#gate('answer').opened };
  }

  @SubscribeMessage('answer')
  answer(@MessageBody() data: unknown): void {
    this.#gate('answer').open(data);
  }

  @SubscribeMessage('wait')
  async wait(@MessageBody() data: unknown): Promise<unknown> {
    this.begun.add(data);
    await this.#gate(data).opened;
    return { event: 'waited', data };
  }

  @SubscribeMessage('open')
  open(@MessageBody() data: unknown): void {
    this.#gate(data).open(data);
  }

  @SubscribeMessage('at-once')
  atOnce(@MessageBody() data: unknown): unknown {
    this.begun.add(data);
    return { event: 'at-once', data };
  }

  #gate(name: unknown): Gate<unknown> {
    const gate = this.gates.get(name) ?? new Gate<unknown>();
    this.gates.set(name, gate);
    return gate;
  }
}

@WebSocketGateway({ path: '/asking' })
class Beside {
  @SubscribeMessage('wait')
  atOnce(): unknown {
    return { event: 'beside' };
  }

  @SubscribeMessage('at-once')
  async fail(): Promise<unknown> {
    await Promise.resolve();
    // A reply that no JSON can carry is a fault of this gateway alone.
    return { event: 'big', data: 1n };
  }
}

describe.each(BOTH)('the messages of one client on $name', (installation) => {
  it('are handled side by side, so a handler may await an answer of its client', async () => {
    const app = await startGateways([Asking], {}, installation);
    const client = await app.connect('/asking');
    await client.send({ event: 'start' });
    expect(await client.nextJson()).toEqual({ event: 'question' });
    await client.send({ event: 'answer', data: 42 });
    expect(await client.nextJson()).toEqual({ event: 'started', data: 42 });
  });

  it('are answered when their handler is done, in that order', async () => {
    const app = await startGateways([Asking], {}, installation);
    const client = await app.connect('/asking');
    for (const data of ['a', 'b', 'c']) await client.send({ event: 'wait', data });
    await client.send({ event: 'at-once', data: 1 });
    for (const data of ['b', 'c', 'a']) await client.send({ event: 'open', data });
    const answers = [];
    while (answers.length < 4) answers.push((await client.nextJson<{ data: unknown }>()).data);
    expect(answers).toEqual([1, 'b', 'c', 'a']);
  });

  it('are answered by each of two gateways when that one is done', async () => {
    const app = await startGateways([Asking, Beside], {}, installation);
    const client = await app.connect('/asking');
    await client.send({ event: 'wait', data: 'never' });
    expect(await client.nextJson()).toEqual({ event: 'beside' });
  });
});

describe('the messages of one client here', () => {
  it('are handled side by side up to maxPendingMessages', async () => {
    const app = await startGateways([Asking], { options: { limits: { maxPendingMessages: 3 } } });
    const { begun } = app.app.get(Asking);
    const client = await app.connect('/asking');
    for (const data of ['a', 'b', 'c', 'd']) await client.send({ event: 'wait', data });
    await begun.reached(3);
    client.raw.ping();
    await once(client.raw, 'pong');
    expect(begun.entries).toEqual(['a', 'b', 'c']);
    app.app.get(Asking).open('b');
    expect(await client.nextJson()).toEqual({ event: 'waited', data: 'b' });
    expect(await begun.reached(4)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are handled one after the other where concurrency says so', async () => {
    const app = await startGateways([Asking], { options: { concurrency: 1 } });
    const { begun } = app.app.get(Asking);
    const client = await app.connect('/asking');
    await client.send({ event: 'wait', data: 'a' });
    await client.send({ event: 'at-once', data: 'b' });
    await begun.reached(1);
    client.raw.ping();
    await once(client.raw, 'pong');
    expect(begun.entries).toEqual(['a']);
    app.app.get(Asking).open('a');
    expect([await client.nextJson(), await client.nextJson()]).toEqual([
      { event: 'waited', data: 'a' },
      { event: 'at-once', data: 'b' },
    ]);
  });

  it('survive a reply of one of two gateways that cannot be encoded', async () => {
    const app = await startGateways([Asking, Beside], {}, OURS);
    const client = await app.connect('/asking');
    await client.send({ event: 'at-once', data: 1 });
    const answers = [await client.nextJson(), await client.nextJson()];
    expect(answers).toEqual(
      expect.arrayContaining([
        { event: 'at-once', data: 1 },
        { event: 'exception', data: { status: 'error', message: 'Internal server error' } },
      ]),
    );
  });

  it('that are being handled are awaited by the drain', async () => {
    const app = await startGateways([Asking], {}, OURS);
    const client = await app.connect('/asking');
    await client.send({ event: 'wait', data: 'a' });
    await app.app.get(Asking).begun.reached(1);
    const closed = app.app.close();
    app.app.get(Asking).open('a');
    expect(await client.nextJson()).toEqual({ event: 'waited', data: 'a' });
    expect(await client.closed()).toMatchObject({ code: 1001 });
    await closed;
  });
});
