import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BadRequestException, InternalServerErrorException, Logger } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { of, throwError } from 'rxjs';
import type { Connection } from '../../../../src/index.js';
import type { EndpointHandlers } from '../../../../src/websocket/endpoint/pipeline/endpoint-handlers.js';
import { log } from '../../../../src/websocket/log/log.js';
import { UNHANDLED, type FilterOutcome } from '../../../../src/websocket/endpoint/pipeline/compiled-filters.js';
import { JsonSerializer } from '../../../../src/websocket/serializer/json.serializer.js';
import { RawSerializer } from '../../../../src/websocket/serializer/raw.serializer.js';
import { LifecycleWorld } from '../../../property/support/lifecycle-world.js';
import type { MemoryTransport } from '../../../property/support/memory-transport.js';
import { LogRecorder } from '../../../support/log-recorder.js';

const SECRET = 'secret of the database';
/** The default answer to the message that every peer here sends. */
const INTERNAL = { event: 'error', id: 7, data: { code: 'internal_error', message: 'Internal server error' } };

let logs: LogRecorder;
beforeEach(() => {
  Logger.overrideLogger((logs = new LogRecorder()));
  log.restart();
});
afterEach(() => Logger.overrideLogger(['log', 'error', 'warn']));

interface Policy extends Partial<Pick<EndpointHandlers, 'error' | 'establish' | 'finish' | 'recoverEstablish'>> {
  /** What the handler of a message throws. */
  readonly thrown?: unknown;
  /** What exception filters say to it. */
  readonly recover?: () => FilterOutcome | Promise<FilterOutcome>;
  readonly serializer?: JsonSerializer | RawSerializer;
}

/** A connection whose handlers fail, without a network. */
async function connect(policy: Policy): Promise<MemoryTransport> {
  const {
    thrown,
    recover = () => UNHANDLED,
    serializer = new JsonSerializer(),
    ...rest
  } = { thrown: new Error(SECRET), ...policy };
  const fail = (): never => {
    throw thrown;
  };
  const failing = { recover, invoke: fail };
  const world = new LifecycleWorld(1, {
    serializer,
    anyMessage: failing,
    events: new Map([['fail', failing]]),
    ...rest,
  });
  const client = world.upgrade({ handshake: 'accept', establish: 'return', finish: 'return' });
  await turn();
  const transport = world.transportOf(client);
  if (transport === undefined) throw new Error('The handshake was refused.');
  return transport;
}

/** Sends the message whose handler fails, and gives what the peer got. */
async function provoke(policy: Policy): Promise<unknown[]> {
  const transport = await connect(policy);
  transport.deliver('{"event":"fail","id":7}');
  await turn();
  const texts = transport.sent.map((text): unknown => JSON.parse(text));
  return transport.closeSent === undefined ? texts : [...texts, transport.closeSent];
}

describe('the default', () => {
  it('tells the peer that there was an error, without its text, and the log all of it', async () => {
    expect(await provoke({})).toEqual([INTERNAL]);
    expect(logs.problems).toEqual([expect.stringContaining(SECRET)]);
  });

  it.each<[string, unknown, object]>([
    ['an HttpException', new BadRequestException('no room'), { code: 'bad_request', message: 'no room' }],
    [
      'an HttpException with details',
      new BadRequestException(['a', 'b']),
      { code: 'bad_request', message: 'a', details: ['a', 'b'] },
    ],
    ['a WsException', new WsException('no room'), { code: 'exception', message: 'no room' }],
  ])('tells what %s was made to tell, and logs nothing', async (_what, thrown, data) => {
    expect(await provoke({ thrown })).toEqual([{ event: 'error', id: 7, data }]);
    expect(logs.problems).toEqual([]);
  });

  it('logs an HttpException that is a fault of the server', async () => {
    const thrown = new InternalServerErrorException('disk full');
    expect(await provoke({ thrown })).toEqual([
      { event: 'error', id: 7, data: { code: 'internal_error', message: 'disk full' } },
    ]);
    expect(logs.problems).toEqual([expect.stringContaining('disk full')]);
  });

  it.each([['a text'], [undefined], [null], [Object.create(null)]])(
    'takes %p, which is not an error, for an unknown one',
    async (thrown) => {
      expect(await provoke({ thrown })).toEqual([INTERNAL]);
    },
  );

  it('leaves out details that cannot be encoded', async () => {
    const thrown = new BadRequestException({ message: 'too large', size: 1n });
    expect(await provoke({ thrown })).toEqual([
      { event: 'error', id: 7, data: { code: 'bad_request', message: 'too large' } },
    ]);
  });

  it('closes a raw endpoint with 1011, which has no form for errors', async () => {
    expect(await provoke({ serializer: new RawSerializer() })).toEqual([{ code: 1011, reason: 'internal error' }]);
  });

  it('answers without an id when the message had none, and keeps the connection', async () => {
    const transport = await connect({});
    transport.deliver('{"event":"fail"}');
    transport.deliver('{"event":"fail","id":8}');
    await turn();
    const { id: _id, ...withoutId } = INTERNAL;
    expect(transport.sent.map((text): unknown => JSON.parse(text))).toEqual([withoutId, { ...INTERNAL, id: 8 }]);
    expect(transport.isOpen).toBe(true);
  });
});

describe('an exception filter', () => {
  it.each<[string, unknown]>([
    ['a value', 'sorry'],
    ['a promise', Promise.resolve('sorry')],
    ['an Observable, of which the last item counts', of('not this', 'sorry')],
  ])('answers with %s instead of the default', async (_what, value) => {
    expect(await provoke({ recover: () => ({ handled: true, value }) })).toEqual([
      { event: 'fail', id: 7, data: 'sorry' },
    ]);
    expect(logs.problems).toEqual([]);
  });

  it('that takes the error and returns nothing leaves the peer without an answer', async () => {
    expect(await provoke({ recover: () => ({ handled: true, value: undefined }) })).toEqual([]);
  });

  it.each<[string, () => FilterOutcome | Promise<FilterOutcome>]>([
    ['rejects', () => Promise.reject(new Error('filter'))],
    [
      'throws',
      () => {
        throw new Error('filter');
      },
    ],
    ['answers with a promise that rejects', () => ({ handled: true, value: Promise.reject(new Error('filter')) })],
    ['answers with an Observable that fails', () => ({ handled: true, value: throwError(() => new Error('filter')) })],
    ['answers with a value that cannot be encoded', () => ({ handled: true, value: 1n })],
  ])('that %s is logged, and the default follows', async (_how, recover) => {
    expect(await provoke({ recover })).toEqual([INTERNAL]);
    expect(logs.problems.length).toBe(2);
    expect(logs.problems[1]).toContain(SECRET);
  });
});

describe('@OnError', () => {
  it('gets the error and the connection, and answers by what it returns', async () => {
    const seen: unknown[] = [];
    const thrown = new Error(SECRET);
    const error = (connection: Connection, told: unknown): string => {
      seen.push(connection.state, told);
      return 'sorry';
    };
    expect(await provoke({ thrown, error })).toEqual([{ event: 'fail', id: 7, data: 'sorry' }]);
    expect(seen).toEqual(['open', thrown]);
  });

  it('is not asked when a filter took the error', async () => {
    let asked = 0;
    const error = (): void => void (asked += 1);
    await provoke({ error, recover: () => ({ handled: true, value: 'sorry' }) });
    expect(asked).toBe(0);
  });

  it.each<[string, (connection: Connection) => unknown, unknown[]]>([
    ['only looks is followed by the default', () => undefined, [INTERNAL]],
    ['only looks, later, is followed by the default', () => turn(), [INTERNAL]],
    ['sends by itself is not', (connection) => void connection.send({ own: true }), [{ own: true }]],
    [
      'sends by itself later is not',
      (connection) => turn().then(() => void connection.send({ own: true })),
      [{ own: true }],
    ],
    [
      'closes the connection is not',
      (connection) => connection.close(4000, 'enough'),
      [{ code: 4000, reason: 'enough' }],
    ],
    ['cuts the connection is not', (connection) => connection.terminate(), []],
  ])('that %s', async (_how, error, expected) => {
    const transport = await connect({ error });
    transport.deliver('{"event":"fail","id":7}');
    for (let turns = 0; turns < 4; turns++) await turn();
    const texts = transport.sent.map((text): unknown => JSON.parse(text));
    expect(transport.closeSent === undefined ? texts : [...texts, transport.closeSent]).toEqual(expected);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('on error');
      },
    ],
    ['rejects', () => Promise.reject(new Error('on error'))],
    ['returns what cannot be encoded', () => 1n],
  ])('that %s is logged, and the default follows', async (_how, error) => {
    expect(await provoke({ error })).toEqual([INTERNAL]);
    expect(logs.problems.length).toBe(2);
  });
});

describe('an error of @OnEstablish', () => {
  const establish = (): never => {
    throw new Error(SECRET);
  };

  it.each<[string, Policy, string[]]>([
    ['without a filter and @OnError', {}, []],
    ['that @OnError answers', { error: () => 'sorry' }, ['"sorry"']],
    ['that a filter answers', { recoverEstablish: () => ({ handled: true, value: 'sorry' }) }, ['"sorry"']],
    [
      'whose filter fails, where @OnError answers',
      { recoverEstablish: () => Promise.reject(new Error('filter')), error: () => 'sorry' },
      ['"sorry"'],
    ],
    [
      'whose @OnError fails too',
      {
        error: () => {
          throw new Error('on error');
        },
      },
      [],
    ],
  ])('%s closes with 1011 after the answer', async (_what, policy, sent) => {
    const transport = await connect({ establish, ...policy });
    expect(transport.sent).toEqual(sent);
    expect(transport.closeSent).toEqual({ code: 1011, reason: 'internal error' });
  });
});

describe('an error of @OnFinish', () => {
  it('is told to @OnError and logged, and what that returns reaches no peer', async () => {
    const seen: unknown[] = [];
    const finish = (): never => {
      throw new Error(SECRET);
    };
    const transport = await connect({ finish, error: (_connection, error) => seen.push(String(error)) });
    transport.closeByPeer(1000);
    await turn();
    expect(seen).toEqual([`Error: ${SECRET}`]);
    expect(transport.sent).toEqual([]);
    expect(logs.problems).toEqual([expect.stringContaining(SECRET)]);
  });
});
