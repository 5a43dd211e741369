import { describe, expect, it } from '@jest/globals';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WsAdapter } from '@nestjs/platform-ws';
import { concat, from, map, of, timer, type Observable } from 'rxjs';
import type { WebSocket } from 'ws';
import { PlackWsAdapter } from '../../../src/index.js';
import { text } from '../../support/raw-frame.js';
import type { StartedApp } from '../../support/start-app.js';
import { BOTH, startGateways } from './start-gateways.js';

@WebSocketGateway({ path: '/messages' })
class Messages {
  @SubscribeMessage('last')
  last(): unknown {
    return { event: 'last' };
  }

  @SubscribeMessage(1)
  numbered(@MessageBody() data: unknown): unknown {
    return { event: 1, data };
  }

  @SubscribeMessage('event')
  event(@MessageBody() data: unknown): unknown {
    return { event: 'answer', data };
  }

  @SubscribeMessage('field')
  field(@MessageBody('name') name: unknown): unknown {
    return { event: 'answer', data: name ?? 'no name' };
  }

  @SubscribeMessage('promise')
  async promise(@MessageBody() data: unknown): Promise<unknown> {
    await Promise.resolve();
    return { event: 'answer', data };
  }

  @SubscribeMessage('value')
  value(@MessageBody() kind: keyof typeof VALUES): unknown {
    return VALUES[kind];
  }

  @SubscribeMessage('observable')
  observable(): Observable<unknown> {
    return from([1, 2, 3]).pipe(map((data) => ({ event: 'item', data })));
  }

  @SubscribeMessage('gaps')
  gaps(): Observable<unknown> {
    return of(undefined, { event: 'item' }, null, 'text', undefined);
  }

  @SubscribeMessage('later')
  later(): Observable<unknown> {
    return concat(of({ event: 'now' }), timer(1).pipe(map(() => ({ event: 'later' }))));
  }

  @SubscribeMessage('by-itself')
  byItself(@ConnectedSocket() client: WebSocket, @MessageBody() data: unknown): unknown {
    client.send(JSON.stringify({ event: 'sent', data }));
    return { event: 'returned', data };
  }

  @SubscribeMessage('promised-observable')
  async promisedObservable(): Promise<Observable<unknown>> {
    return of({ event: 'promised' }, { event: 'twice' });
  }
}

const VALUES = {
  text: 'text',
  number: 7,
  zero: 0,
  true: true,
  false: false,
  list: [1, 'two'],
  object: { any: 'thing' },
};

/** Sends messages and one more, and gives everything up to the answer to that. */
async function answersTo(app: StartedApp, ...messages: unknown[]): Promise<unknown[]> {
  const client = await app.connect('/messages');
  for (const message of [...messages, { event: 'last' }]) await client.send(message);
  const answers: unknown[] = [];
  for (;;) {
    const answer = await client.nextJson();
    if (JSON.stringify(answer) === '{"event":"last"}') return answers;
    answers.push(answer);
  }
}

describe.each(BOTH)('messages of a gateway on $name', (installation) => {
  const start = (): Promise<StartedApp> => startGateways([Messages], {}, installation);

  it.each([
    ['text', 'hello'],
    ['a number', 0],
    ['a list', [1, { two: 3 }]],
    ['null', null],
  ])('carry %s both ways', async (_what, data) => {
    expect(await answersTo(await start(), { event: 'event', data })).toEqual([{ event: 'answer', data }]);
  });

  it('may name their event by a number, which is not the text of it', async () => {
    const app = await start();
    expect(await answersTo(app, { event: 1, data: 'one' }, { event: '1', data: 'no' })).toEqual([
      { event: 1, data: 'one' },
    ]);
  });

  it('carry no data where none was sent', async () => {
    expect(await answersTo(await start(), { event: 'event' })).toEqual([{ event: 'answer' }]);
  });

  it('give a parameter one field of their data', async () => {
    const app = await start();
    expect(
      await answersTo(
        app,
        { event: 'field', data: { name: 'alice' } },
        { event: 'field', data: {} },
        { event: 'field' },
      ),
    ).toEqual(['alice', 'no name', 'no name'].map((data) => ({ event: 'answer', data })));
  });

  it('are read as JSON also from binary frames', async () => {
    expect(await answersTo(await start(), Buffer.from('{"event":"event","data":1}'))).toEqual([
      { event: 'answer', data: 1 },
    ]);
  });

  it('are answered by a promise', async () => {
    const app = await start();
    const client = await app.connect('/messages');
    await client.send({ event: 'promise', data: 1 });
    expect(await client.nextJson()).toEqual({ event: 'answer', data: 1 });
  });

  it.each(Object.entries(VALUES))('are answered with %s as it is', async (kind, value) => {
    expect(await answersTo(await start(), { event: 'value', data: kind })).toEqual([value]);
  });

  it('are answered with nothing by undefined', async () => {
    expect(await answersTo(await start(), { event: 'value', data: 'unknown' })).toEqual([]);
  });

  it('are answered with every item of an Observable', async () => {
    const items = [1, 2, 3].map((data) => ({ event: 'item', data }));
    expect(await answersTo(await start(), { event: 'observable' })).toEqual(items);
  });

  it('are answered with no item of an Observable that is nothing', async () => {
    expect(await answersTo(await start(), { event: 'gaps' })).toEqual([{ event: 'item' }, 'text']);
  });

  it('are answered while the Observable of an earlier one goes on', async () => {
    const app = await start();
    const client = await app.connect('/messages');
    await client.send({ event: 'later' });
    await client.send({ event: 'event', data: 1 });
    const answers = [await client.nextJson(), await client.nextJson(), await client.nextJson()];
    expect(answers).toEqual(
      expect.arrayContaining([{ event: 'now' }, { event: 'later' }, { event: 'answer', data: 1 }]),
    );
  });

  it('are answered by the promise of an Observable', async () => {
    const app = await start();
    const client = await app.connect('/messages');
    await client.send({ event: 'promised-observable' });
    expect([await client.nextJson(), await client.nextJson()]).toEqual([{ event: 'promised' }, { event: 'twice' }]);
  });

  it('are answered in order, also those that came in one packet and what a handler sends by itself', async () => {
    const app = await start();
    const peer = await app.peer();
    const burst = [1, 2, 3].map((data) => text(JSON.stringify({ event: 'by-itself', data })));
    await peer.upgrade({ path: '/messages', extraBytes: Buffer.concat(burst) });
    const answers: string[] = [];
    while (answers.length < 6) answers.push((await peer.nextFrame()).text);
    for (const data of [1, 2, 3]) {
      const [sent, returned] = ['sent', 'returned'].map((event) => answers.indexOf(JSON.stringify({ event, data })));
      expect(sent).toBeGreaterThanOrEqual(0);
      expect(returned).toBeGreaterThan(sent ?? Infinity);
    }
  });

  it.each([
    ['no JSON', '{'],
    ['empty', ''],
    ['null', 'null'],
    ['a number', '5'],
    ['a text', '"event"'],
    ['a list', '["event"]'],
    ['without an event', '{"data":1}'],
    ['of an event nobody handles', '{"event":"nobody","data":1}'],
    ['of an event named like what every object has', '{"event":"constructor"}'],
    ['of an event that is no text', '{"event":{"event":"event"}}'],
    ['of an event that is a list', '{"event":["event"]}'],
  ])('are passed over in silence when they are %s', async (_what, message) => {
    const app = await start();
    expect(await answersTo(app, message, { event: 'event', data: 1 })).toEqual([{ event: 'answer', data: 1 }]);
    expect(app.logs.problems).toEqual([]);
  });
});

describe.each(BOTH)('a message parser on $name', (installation) => {
  type Parser = (data: unknown) => unknown;
  const start = (parse: Parser): Promise<StartedApp> =>
    startGateways(
      [Messages],
      {
        configure: (app) => {
          const adapter = installation.gateways ? app.get(PlackWsAdapter) : new WsAdapter(app);
          adapter.setMessageParser(parse as never);
          if (!installation.gateways) app.useWebSocketAdapter(adapter);
        },
      },
      installation,
    );

  it('reads what comes, text as a string and binary as a Buffer', async () => {
    const kinds: unknown[] = [];
    const app = await start((data) => {
      kinds.push(Buffer.isBuffer(data) ? 'binary' : typeof data);
      const [event, value] = String(data).split('=');
      return { event, data: value };
    });
    const client = await app.connect('/messages');
    await client.send('event=1');
    expect(await client.nextJson()).toEqual({ event: 'answer', data: '1' });
    await client.send(Buffer.from('event=2'));
    expect(await client.nextJson()).toEqual({ event: 'answer', data: '2' });
    expect(kinds).toEqual(['string', 'binary']);
  });

  it.each<[string, Parser, number]>([
    ['gives nothing', () => undefined, 0],
    ['gives null', () => null, 0],
    ['gives a promise', async () => ({ event: 'event' }), 0],
    [
      'throws',
      () => {
        throw new Error('a parser that fails');
      },
      1,
    ],
  ])('passes over a message for which it %s', async (_what, bad, lines) => {
    const app = await start((data) => (String(data) === 'bad' ? bad(data) : JSON.parse(String(data))));
    expect(await answersTo(app, 'bad', { event: 'event', data: 1 })).toEqual([{ event: 'answer', data: 1 }]);
    expect(app.logs.problems).toHaveLength(lines);
  });
});

describe.each(BOTH)('two gateways on one path of $name', (installation) => {
  @WebSocketGateway({ path: '/messages' })
  class Also {
    @SubscribeMessage('event')
    event(): unknown {
      return { event: 'also' };
    }
  }

  it('both answer an event that both subscribe to', async () => {
    const app = await startGateways([Messages, Also], {}, installation);
    const answers = await answersTo(app, { event: 'event', data: 1 });
    expect(answers).toHaveLength(2);
    expect(answers).toEqual(expect.arrayContaining([{ event: 'also' }, { event: 'answer', data: 1 }]));
  });
});
