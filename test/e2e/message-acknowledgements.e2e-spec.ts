import { describe, expect, it } from '@jest/globals';
import { UseInterceptors, type NestInterceptor } from '@nestjs/common';
import { map, of, type Observable } from 'rxjs';
import { OnError, OnMessage, WsEndpoint } from '../../src/index.js';
import { startApp } from '../support/start-app.js';
import { takeJson } from '../support/take.js';

class Looks implements NestInterceptor {
  intercept(_context: unknown, next: Parameters<NestInterceptor['intercept']>[1]): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => value));
  }
}

@WsEndpoint({ path: 'ack', serializer: 'json' })
class Acknowledging {
  @OnMessage('nothing')
  nothing(): void {}

  @OnMessage('later')
  async later(): Promise<void> {
    await Promise.resolve();
  }

  @OnMessage('looked at')
  @UseInterceptors(Looks)
  lookedAt(): void {}

  @OnMessage('stream')
  async *stream(): AsyncGenerator<number | undefined> {
    yield undefined;
    await Promise.resolve();
    yield 1;
  }

  @OnMessage('looked at stream')
  @UseInterceptors(Looks)
  lookedAtStream(): Observable<number | undefined> {
    return of(undefined, 2);
  }

  @OnMessage('fail')
  fail(): never {
    throw new Error('no');
  }

  @OnMessage('null')
  null(): null {
    return null;
  }

  @OnError()
  error(): void {}
}

describe('a handler that returns nothing', () => {
  it.each(['nothing', 'later', 'looked at'])('answers the id of its event: %s', async (event) => {
    const app = await startApp({ endpoints: [Acknowledging] });
    const client = await app.connect('/ws/ack');
    void client.send({ event, id: 'q1' });
    expect(await client.nextJson()).toEqual({ event, id: 'q1' });
    // Without an id there is no reply, so the next thing that arrives is the answer to the last message.
    void client.send({ event, data: 1 });
    void client.send({ event, id: { deep: 1 } });
    void client.send({ event: 'null', id: 0 });
    expect(await client.nextJson()).toEqual({ event: 'null', data: null, id: 0 });
  });

  it('sends no item of a stream that is undefined, and the default answer for an error', async () => {
    const app = await startApp({ endpoints: [Acknowledging] });
    const client = await app.connect('/ws/ack');
    for (const event of ['stream', 'looked at stream', 'fail']) void client.send({ event, id: event });
    const answers = await takeJson(client, 3);
    expect(answers.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
      { event: 'error', id: 'fail', data: { code: 'internal_error', message: 'Internal server error' } },
      { event: 'looked at stream', data: 2, id: 'looked at stream' },
      { event: 'stream', data: 1, id: 'stream' },
    ]);
  });
});
