import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { Exclude, instanceToPlain } from 'class-transformer';
import {
  Connection,
  ConnectionRegistry,
  JsonSerializer,
  OnEstablish,
  OnMessage,
  Serializer,
  UnsupportedDataError,
  WsEndpoint,
  type MessageForm,
} from 'nestjs-plack-websocket';
import { startApp } from '../../support/start-app.js';

// #region names
@WsEndpoint({ path: 'shop', serializer: new JsonSerializer({ event: 'type', data: 'payload', id: 'requestId' }) })
class ShopEndpoint {
  @OnMessage('price')
  price(_connection: Connection, article: string): object {
    return { article, cents: 1295 };
  }
}
// #endregion names

// #region transform
class Member {
  @Exclude()
  passwordHash = '$2b$12$…';

  constructor(readonly name: string) {}
}

@WsEndpoint({ path: 'members', serializer: new JsonSerializer({ transform: instanceToPlain }) })
class MembersEndpoint {
  @OnEstablish()
  enter(connection: Connection): void {
    connection.broadcast('entered', new Member('Ada'));
    void connection.send('welcome', new Member('Ada'));
  }
}
// #endregion transform

// #region ocpp
/** OCPP-J 1.6, chapter 4: calls, their results and their errors are arrays that begin with a number. */
const CALL = 2;
const RESULT = 3;
const ERROR = 4;

/** What the standard calls our codes; see the table of error codes. */
const OCPP_CODES: Readonly<Record<string, string>> = {
  unknown_event: 'NotImplemented',
  bad_message: 'FormationViolation',
  bad_request: 'PropertyConstraintViolation',
};

class OcppSerializer extends Serializer {
  override readonly name = 'ocpp1.6';

  override encode(value: unknown, { kind, event, id }: MessageForm): string {
    // An error without an id answers nothing that the station has asked: -1, as the standard has it.
    if (kind === 'error') return JSON.stringify([ERROR, id ?? '-1', ...describe(value as PeerError)]);
    if (kind === 'reply') return JSON.stringify([RESULT, id, value]);
    return JSON.stringify([CALL, randomUUID(), event, value]);
  }

  override decode(text: string | Buffer, isBinary: boolean): unknown {
    if (isBinary) throw new UnsupportedDataError();
    const [type, id, ...rest] = JSON.parse(String(text)) as [number, string, ...unknown[]];
    if (type === CALL) return { event: rest[0], data: rest[1], id };
    if (type === RESULT) return { event: 'result', data: { call: id, payload: rest[0] } };
    if (type === ERROR) return { event: 'failure', data: { call: id, code: rest[0] } };
    // The error leaves under this id.
    throw Object.assign(new Error('neither a call nor an answer'), { id });
  }
}

interface PeerError {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

function describe({ code, message, details }: PeerError): [string, string, unknown] {
  return [OCPP_CODES[code] ?? 'InternalError', message, details ?? {}];
}

@WsEndpoint({ path: 'stations/:station', serializer: new OcppSerializer(), protocols: ['ocpp1.6'] })
class StationEndpoint {
  @OnMessage('BootNotification')
  boot(_connection: Connection, { chargePointModel }: { chargePointModel: string }): object {
    return { status: chargePointModel === 'known' ? 'Accepted' : 'Pending', interval: 300 };
  }

  @OnMessage('result')
  result(connection: Connection<unknown, { answers?: unknown[] }>, answer: unknown): void {
    (connection.data.answers ??= []).push(answer);
  }
}
// #endregion ocpp

it('an envelope with other names, as on the page', async () => {
  const app = await startApp({ endpoints: [ShopEndpoint] });
  const client = await app.connect('/ws/shop');
  void client.send({ type: 'price', payload: 'tea', requestId: 7 });
  expect(await client.nextJson()).toEqual({ type: 'price', requestId: 7, payload: { article: 'tea', cents: 1295 } });
});

it('a transform, as on the page', async () => {
  const app = await startApp({ endpoints: [MembersEndpoint] });
  const first = await app.connect('/ws/members');
  expect(await first.nextJson()).toEqual({ event: 'welcome', data: { name: 'Ada' } });
  await app.connect('/ws/members');
  expect(await first.nextJson()).toEqual({ event: 'entered', data: { name: 'Ada' } });
});

it('OCPP 1.6, as on the page', async () => {
  const app = await startApp({ endpoints: [StationEndpoint] });
  const station = await app.connect('/ws/stations/7', { protocols: ['ocpp1.6'] });
  const says = async (message: unknown): Promise<unknown> => {
    void station.send(JSON.stringify(message));
    return station.nextJson();
  };
  expect(await says([2, 'a', 'BootNotification', { chargePointModel: 'known' }])).toEqual([
    3,
    'a',
    { status: 'Accepted', interval: 300 },
  ]);
  expect(await says([2, 'b', 'Reset', {}])).toEqual([4, 'b', 'NotImplemented', 'No handler for this event.', {}]);
  expect(await says([2, 'c', 'BootNotification'])).toEqual([4, 'c', 'InternalError', 'Internal server error', {}]);
  expect(await says([7, 'd'])).toEqual([4, 'd', 'FormationViolation', 'The message could not be decoded.', {}]);
  expect(await says({})).toEqual([4, '-1', 'FormationViolation', 'The message could not be decoded.', {}]);

  const registry = app.app.get(ConnectionRegistry);
  registry.in(StationEndpoint).send('RemoteStopTransaction', { transactionId: 1 });
  const [type, call, ...rest] = (await station.nextJson()) as unknown[];
  expect([type, ...rest]).toEqual([2, 'RemoteStopTransaction', { transactionId: 1 }]);
  void station.send(JSON.stringify([3, call, { status: 'Accepted' }]));
  expect(await says([2, 'e', 'Reset', {}])).toEqual([4, 'e', 'NotImplemented', 'No handler for this event.', {}]);
  const [connection] = registry;
  expect(connection?.data['answers']).toEqual([{ call, payload: { status: 'Accepted' } }]);
});
