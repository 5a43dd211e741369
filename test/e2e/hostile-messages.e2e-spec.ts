import { beforeEach, describe, expect, it } from '@jest/globals';
import { MessageBody } from '@nestjs/websockets';
import { Connection, OnMessage, Serializer, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { startApp } from '../support/start-app.js';

const SECRET = 'do-not-echo-this';

@WsEndpoint({ path: 'events', serializer: 'json' })
class Events {
  @OnMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }

  @OnMessage('keys')
  keys(_connection: Connection, @MessageBody() data: Record<string, unknown>): unknown {
    return { polluted: ({} as Record<string, unknown>)['polluted'] ?? null, own: Object.keys(data) };
  }

  // Names of every object are names of methods, too.
  toString(): string {
    throw new Error('never called');
  }

  hasOwnProperty(): boolean {
    throw new Error('never called');
  }
}

describe('a message that hopes for a gap', () => {
  let client: QueuedClient;
  beforeEach(async () => {
    const app = await startApp({ endpoints: [Events] });
    client = await app.connect('/ws/events');
  });

  async function answerTo(message: string): Promise<unknown> {
    await client.send(message);
    const answer = await client.nextJson();
    await client.send({ event: 'echo', data: 'still open' });
    expect(await client.nextJson()).toEqual({ event: 'echo', data: 'still open' });
    return answer;
  }

  it.each([
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'keys2',
    '',
    'Echo',
    'echo ',
  ])('names the event %j, which nobody handles', async (event) => {
    expect(await answerTo(JSON.stringify({ event, id: 7, data: SECRET }))).toEqual({
      event: 'error',
      id: 7,
      data: { code: 'unknown_event', message: expect.not.stringContaining(SECRET) },
    });
  });

  it.each(['null', '5', '"echo"', 'true', '[]', '[{"event":"echo"}]', '{}', '{"data":1}', '{"evt":"echo"}'])(
    'is JSON but no event: %s',
    async (message) => {
      expect(await answerTo(message)).toMatchObject({ event: 'error', data: { code: 'bad_message' } });
    },
  );

  it.each(['{"event":{}}', '{"event":5,"data":1}', '{"event":null}', '{"event":["echo"]}'])(
    'has an event that is no name: %s',
    async (message) => {
      expect(await answerTo(message)).toMatchObject({ event: 'error', data: { code: expect.stringMatching(/_/) } });
    },
  );

  it.each([
    '',
    ' ',
    '{',
    '{"event":"echo"',
    `{"event":"${SECRET}`,
    "{'event':'echo'}",
    'undefined',
    'NaN',
    '\ufeff{}x',
  ])('is no JSON: %j', async (message) => {
    const answer = await answerTo(message);
    expect(answer).toMatchObject({ event: 'error', data: { code: 'bad_message' } });
    expect(JSON.stringify(answer)).not.toContain(SECRET);
  });

  it('cannot change the prototype of anything', async () => {
    const message =
      '{"event":"keys","data":{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}}';
    expect(await answerTo(message)).toEqual({
      event: 'keys',
      data: { polluted: null, own: ['__proto__', 'constructor'] },
    });
  });

  it.each<[string, unknown]>([
    ['an object', { toString: 1 }],
    ['a list', [1]],
    ['true', true],
    ['null', null],
    ['a text without end', 'x'.repeat(10_000)],
  ])('has an id that is no identifier, and gets it back from nobody: %s', async (_what, id) => {
    expect(await answerTo(JSON.stringify({ event: 'echo', id, data: 1 }))).toEqual({ event: 'echo', data: 1 });
  });

  it('is nested deeper than anybody reads', async () => {
    const deep = `{"event":"echo","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const answer = await answerTo(deep);
    expect(answer).toMatchObject({ event: expect.stringMatching(/^(echo|error)$/) });
  });
});

/** Decodes to something that cannot be looked into. */
class TrapSerializer extends Serializer {
  override encode(value: unknown): string {
    return JSON.stringify(value);
  }

  override decode(): unknown {
    return {
      get event(): string {
        throw new Error('looked into');
      },
    };
  }
}

@WsEndpoint({ path: 'trap', serializer: new TrapSerializer() })
class TrapEndpoint {
  @OnMessage('any')
  any(): string {
    return 'never';
  }
}

describe('a serializer that decodes to an object whose members throw', () => {
  it('gets the answer to a message that cannot be decoded, each time', async () => {
    const app = await startApp({ providers: [TrapEndpoint] });
    const client = await app.connect('/ws/trap');
    for (let i = 0; i < 2; i++) {
      await client.send('anything');
      expect(await client.nextJson()).toMatchObject({ event: 'error' });
    }
  });
});
