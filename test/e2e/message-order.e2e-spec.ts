import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { close, text } from '../support/raw-frame.js';
import { startApp } from '../support/start-app.js';
import { take, takeJson } from '../support/take.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets the event loop turn up to `max` times: a delay without a clock. */
async function someTurns(max: number): Promise<void> {
  for (let n = Math.floor(Math.random() * max); n > 0; n--) await turn();
}

describe('the messages of one connection', () => {
  let happened: Journal;
  let gates: Gate<string>[];
  beforeEach(() => {
    happened = new Journal();
    gates = Array.from({ length: 10 }, () => new Gate());
  });

  it('are handled one at a time and in order, however long each takes', async () => {
    let running = 0;
    let most = 0;
    @WsEndpoint('echo')
    class Echo {
      @OnMessage()
      async echo(message: string): Promise<string> {
        most = Math.max(most, ++running);
        await someTurns(8);
        running--;
        return message;
      }
    }
    const app = await startApp({ endpoints: [Echo] });
    const client = await app.connect('/ws/echo');
    const sent = Array.from({ length: 100 }, (_, index) => `${index}`);
    for (const message of sent) {
      void client.send(message);
      await someTurns(2);
    }
    expect(await take(client, sent.length)).toEqual(sent);
    expect(most).toBe(1);
  });

  it('keep their order when some handlers are synchronous', async () => {
    @WsEndpoint('echo')
    class Echo {
      @OnMessage()
      echo(message: string): unknown {
        return message.startsWith('slow') ? someTurns(8).then(() => message) : message;
      }
    }
    const app = await startApp({ endpoints: [Echo] });
    const client = await app.connect('/ws/echo');
    const sent = Array.from({ length: 60 }, (_, index) => `${index % 3 === 0 ? 'slow' : 'fast'} ${index}`);
    sent.forEach((message) => void client.send(message));
    expect(await take(client, sent.length)).toEqual(sent);
  });

  it('do not wait for those of another connection', async () => {
    @WsEndpoint('hold')
    class Hold {
      @OnMessage()
      hold(message: string): unknown {
        return message === 'hold' ? gates[0]?.opened : message;
      }
    }
    const app = await startApp({ endpoints: [Hold] });
    const [held, free] = [await app.connect('/ws/hold'), await app.connect('/ws/hold')];
    void held.send('hold');
    void held.send('next');
    void free.send('hello');
    expect(await free.next()).toBe('hello');
    expect(held.pending).toBe(0);
    gates[0]?.open('released');
    expect([await held.next(), await held.next()]).toEqual(['released', 'next']);
  });

  it('wait until the handler before has failed, too', async () => {
    @WsEndpoint({ path: 'fail', serializer: 'json' })
    class Fail {
      @OnMessage()
      async fail(_connection: Connection, message: unknown): Promise<unknown> {
        await someTurns(4);
        if (message === 'bad') throw new Error('secret');
        return message;
      }
    }
    const app = await startApp({ endpoints: [Fail] });
    const client = await app.connect('/ws/fail');
    for (const message of ['"a"', '"bad"', '"b"']) void client.send(message);
    expect(await takeJson(client, 3)).toMatchObject(['a', { event: 'error' }, 'b']);
  });

  it('are handled at the same time up to concurrency, and answered as they are done', async () => {
    @WsEndpoint({ path: 'parallel', concurrency: 3 })
    class Parallel {
      @OnMessage()
      work(message: string): Promise<string> | undefined {
        happened.add(message);
        return gates[Number(message)]?.opened;
      }
    }
    const app = await startApp({ endpoints: [Parallel] });
    const client = await app.connect('/ws/parallel');
    for (let n = 0; n < 5; n++) void client.send(String(n));
    await happened.reached(3);
    await turn();
    expect(happened.entries).toEqual(['0', '1', '2']);
    gates[1]?.open('one');
    expect(await client.next()).toBe('one');
    await happened.reached(4);
    expect(happened.entries).toEqual(['0', '1', '2', '3']);
    gates[3]?.open('three');
    gates[0]?.open('zero');
    expect(await take(client, 2)).toEqual(expect.arrayContaining(['three', 'zero']));
    await happened.reached(5);
    gates[4]?.open('four');
    expect(await client.next()).toBe('four');
    gates[2]?.open('two');
    expect(await client.next()).toBe('two');
  });

  it('wait for an asynchronous @OnEstablish, and find what it registered', async () => {
    @WsEndpoint('late')
    class Late {
      @OnEstablish()
      async enter(connection: Connection): Promise<void> {
        happened.add('establish');
        await gates[0]?.opened;
        connection.on('message', (_connection, message) => happened.add(`own ${String(message)}`));
        happened.add('established');
      }

      @OnMessage()
      take(message: string): string {
        happened.add(message);
        return message;
      }
    }
    const app = await startApp({ endpoints: [Late] });
    const client = await app.connect('/ws/late');
    void client.send('one');
    void client.send('two');
    await happened.next();
    const [connection] = app.registry;
    expect(connection?.state).toBe('establishing');
    for (let n = 0; n < 20; n++) await turn();
    gates[0]?.open('');
    expect(await take(client, 2)).toEqual(['one', 'two']);
    expect(happened.entries).toEqual(['establish', 'established', 'own one', 'one', 'own two', 'two']);
    expect(connection?.state).toBe('open');
  });

  it('are sent after what @OnEstablish sends', async () => {
    @WsEndpoint('greet')
    class Greet {
      @OnEstablish()
      enter(connection: Connection): void {
        void connection.send('welcome');
      }

      @OnMessage()
      echo(message: string): string {
        return message;
      }
    }
    const app = await startApp({ endpoints: [Greet] });
    const client = await app.connect('/ws/greet');
    void client.send('hello');
    expect(await take(client, 2)).toEqual(['welcome', 'hello']);
  });

  it.each<[string, (connection: Connection) => void, object]>([
    ['closes', (connection) => connection.close(4000, 'enough'), { code: 4000, reason: 'enough', clean: true }],
    ['cuts the connection', (connection) => connection.terminate(), { code: 1006 }],
  ])('are dropped once this side %s', async (_how, end, closed) => {
    @WsEndpoint('enough')
    class Enough {
      @OnMessage()
      async take(connection: Connection, message: string): Promise<void> {
        happened.add(message);
        await turn();
        if (message === 'end') end(connection);
      }

      @OnFinish()
      leave(): void {
        happened.add('finish');
      }
    }
    const app = await startApp({ endpoints: [Enough] });
    const client = await app.connect('/ws/enough');
    for (const message of ['one', 'end', 'two', 'three']) void client.send(message);
    expect(await client.closed()).toMatchObject(closed);
    await happened.reached(3);
    expect(happened.entries).toEqual(['one', 'end', 'finish']);
  });

  it('that arrive after this side has begun to close are dropped', async () => {
    @WsEndpoint('closing')
    class Closing {
      @OnMessage()
      take(message: string): void {
        happened.add(message);
      }

      @OnFinish()
      leave(): void {
        happened.add('finish');
      }
    }
    const app = await startApp({ endpoints: [Closing] });
    const peer = await app.peer({ allowHalfOpen: false });
    await peer.upgrade({ path: '/ws/closing' });
    app.registry.close();
    expect((await peer.nextFrame()).closeCode).toBe(1000);
    await peer.writeRaw(Buffer.concat([text('too late'), close(1000)]));
    expect(await happened.next()).toBe('finish');
  });

  it('that waited when the client closed politely are still handled, then the connection finishes', async () => {
    @WsEndpoint('leaving')
    class Leaving {
      @OnMessage()
      async take(message: string): Promise<void> {
        happened.add(message);
        await gates[Number(message)]?.opened;
      }

      @OnFinish()
      leave(): void {
        happened.add('finish');
      }
    }
    const app = await startApp({ endpoints: [Leaving] });
    const client = await app.connect('/ws/leaving');
    for (const message of ['0', '1', '2']) void client.send(message);
    await client.close(1000);
    gates.forEach((gate) => gate.open(''));
    await happened.reached(4);
    expect(happened.entries).toEqual(['0', '1', '2', 'finish']);
  });
});
