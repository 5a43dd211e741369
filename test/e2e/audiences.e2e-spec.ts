import { describe, expect, it } from '@jest/globals';
import {
  Connection,
  JsonSerializer,
  OnEstablish,
  OnMessage,
  Serializer,
  WsEndpoint,
  type Audience,
  type ConnectionRegistry,
  type Delivery,
  type MessageForm,
} from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { patient } from '../support/patience.js';
import { close, text } from '../support/raw-frame.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/*
 * Whom each verb means, as a table that is generated: every audience, value and sender, with one connection (x) in each state
 * of its life. What is expected of a cell is computed by a few lines (`expectationOf`), and seen on sockets.
 */

let encoded = { json: 0, own: 0 };

class CountingJson extends JsonSerializer {
  override encode(value: unknown, form: MessageForm): string {
    encoded.json++;
    return super.encode(value, form);
  }
}

/** Encodes all but what says that it cannot be encoded at all. */
class OwnSerializer extends Serializer {
  override encode(value: unknown, _form: MessageForm): string {
    encoded.own++;
    if (typeof value === 'object' && value !== null && 'refused' in value) throw new Error('refused');
    return `own:${typeof value === 'string' ? value : 'object'}`;
  }

  override decode(data: string | Buffer): unknown {
    return data;
  }
}

const json = new CountingJson();
const limits = { overflow: 'drop', maxBufferedBytes: 1024 } as const;
const established = new Journal<Connection>();
let hold = new Gate();

abstract class Entered {
  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    const { join, state } = connection.query;
    connection.join([join ?? []].flat());
    established.add(connection);
    if (state === 'establishing') await hold.opened;
  }

  @OnMessage()
  async wait(): Promise<void> {
    await hold.opened;
  }
}

@WsEndpoint({ path: 'e1', serializer: json, limits })
class E1 extends Entered {}

@WsEndpoint({ path: 'e2', serializer: json })
class E2 extends Entered {}

@WsEndpoint('raw')
class Raw extends Entered {}

@WsEndpoint({ path: 'own', serializer: OwnSerializer })
class Own extends Entered {}

const KINDS = ['json', 'raw', 'own'] as const;
const STATES = ['establishing', 'open', 'full', 'closing', 'closed by the peer', 'ended'] as const;

interface Peer {
  readonly name: string;
  readonly endpoint: typeof E1 | typeof E2 | typeof Raw | typeof Own;
  readonly kind: (typeof KINDS)[number];
  readonly channels: readonly string[];
  readonly user?: number;
}

const PEERS: readonly Peer[] = [
  { name: 'j1', endpoint: E1, kind: 'json', channels: ['red'], user: 1 },
  { name: 'j2', endpoint: E1, kind: 'json', channels: ['red', 'blue'], user: 1 },
  { name: 'x', endpoint: E1, kind: 'json', channels: ['red'] },
  { name: 'r1', endpoint: Raw, kind: 'raw', channels: ['blue'], user: 2 },
  { name: 'o1', endpoint: Own, kind: 'own', channels: [] },
  { name: 'j3', endpoint: E2, kind: 'json', channels: ['green'] },
];

const PATHS = new Map<unknown, string>([
  [E1, 'e1'],
  [E2, 'e2'],
  [Raw, 'raw'],
  [Own, 'own'],
]);

interface Member extends Peer {
  readonly connection: Connection;
  /** `undefined` where it cannot hear anything. */
  readonly client: QueuedClient | undefined;
  readonly isAlive: boolean;
  readonly isFull: boolean;
}

type Source = ConnectionRegistry | Connection;
type Who = (member: Member) => boolean;

interface Meant {
  readonly name: string;
  readonly of: (source: Source, all: ReadonlyMap<string, Member>) => Audience | undefined;
  readonly who: Who;
}

const connectionOf = (all: ReadonlyMap<string, Member>, name: string): Connection =>
  all.get(name)?.connection as Connection;
const isIn = (...channels: string[]): Who => {
  return (member) => member.channels.some((channel) => channels.includes(channel));
};
const onlyRegistry = (source: Source): source is ConnectionRegistry => 'toUser' in source;

const AUDIENCES: readonly Meant[] = [
  { name: 'to(red)', of: (source) => source.to('red'), who: isIn('red') },
  { name: 'to(red, blue, red)', of: (source) => source.to('red', 'blue', 'red'), who: isIn('red', 'blue') },
  { name: 'to(list)', of: (source) => source.to(new Set(['red', 'blue'])), who: isIn('red', 'blue') },
  {
    name: 'to(id)',
    of: (source, all) => source.to(connectionOf(all, 'j1').id),
    who: ({ name }) => name === 'j1',
  },
  { name: 'to(id of x)', of: (source, all) => source.to(connectionOf(all, 'x').id), who: ({ name }) => name === 'x' },
  { name: "to('*')", of: (source) => source.to('*'), who: () => true },
  {
    name: 'to(red).only(blue)',
    of: (source) => source.to('red').only('blue'),
    who: (m) => isIn('red')(m) && isIn('blue')(m),
  },
  {
    name: "to('*').except(blue, id, connection)",
    of: (source, all) => source.to('*').except('blue', connectionOf(all, 'o1').id, connectionOf(all, 'x')),
    who: (member) => !isIn('blue')(member) && !['o1', 'x'].includes(member.name),
  },
  { name: 'to(nobody)', of: (source) => source.to('nobody', ''), who: () => false },
  {
    name: 'toUser(1)',
    of: (source) => (onlyRegistry(source) ? source.toUser('1') : undefined),
    who: ({ user }) => user === 1,
  },
  {
    name: 'in(E1)',
    of: (source) => (onlyRegistry(source) ? source.in(E1) : undefined),
    who: ({ endpoint }) => endpoint === E1,
  },
  {
    name: 'in(E1).only(blue).except()',
    of: (source) => (onlyRegistry(source) ? source.in(E1).only('blue').except() : undefined),
    who: (member) => member.endpoint === E1 && isIn('blue')(member),
  },
];

const bytes = Buffer.from([1, 2, 3]);
const refusesJson = {
  get data(): never {
    throw new Error('not for JSON');
  },
};

interface Value {
  readonly name: string;
  readonly value: unknown;
  /** What arrives by the way of each serializer; a kind that is missing cannot encode it. */
  readonly forms: Partial<Record<Peer['kind'], string | Buffer>>;
}

const VALUES: readonly Value[] = [
  { name: 'text', value: 'hi', forms: { json: '"hi"', raw: 'hi', own: 'own:hi' } },
  { name: 'bytes', value: bytes, forms: { json: bytes, raw: bytes, own: bytes } },
  { name: 'object', value: { data: 1 }, forms: { json: '{"data":1}', own: 'own:object' } },
  { name: 'json-refuses', value: refusesJson, forms: { own: 'own:object' } },
  { name: 'all-refuse', value: Object.assign(Object.create(null), { refused: 1n }), forms: {} },
];

interface Outcome {
  readonly delivery: Omit<Delivery, 'relayed'> | 'throws';
  readonly heard: Readonly<Record<string, readonly (string | Buffer)[]>>;
  readonly encoded: Readonly<Record<string, number>>;
}

function expectationOf(
  members: readonly Member[],
  who: Who,
  { value, forms }: Value,
  except: string | undefined,
): Outcome {
  const meant = members.filter((member) => member.isAlive && who(member) && member.name !== except);
  const throws = meant.length > 0 && Object.keys(forms).length === 0;
  const admits = ({ kind, isFull }: Member): boolean => forms[kind] !== undefined && !isFull;
  const admitted = throws ? [] : meant.filter(admits);
  const kinds = new Set(meant.map(({ kind }) => kind));
  // Those of others are asked only where none of the members' can.
  const areOthersAsked = [...kinds].every((kind) => forms[kind] === undefined);
  const times = (kind: 'json' | 'own'): number => {
    if (value === bytes || meant.length === 0) return 0;
    return kinds.has(kind) || (areOthersAsked && (kind === 'json' || forms.json === undefined)) ? 1 : 0;
  };
  return {
    delivery: throws
      ? 'throws'
      : { matched: meant.length, sent: admitted.length, dropped: meant.length - admitted.length },
    heard: Object.fromEntries(
      members
        .filter(({ client }) => client !== undefined)
        .map((member) => [member.name, admitted.includes(member) ? [forms[member.kind] as string | Buffer] : []]),
    ),
    encoded: { json: times('json'), own: times('own') },
  };
}

async function boot(state: (typeof STATES)[number]): Promise<{ app: StartedApp; members: Member[] }> {
  hold = new Gate();
  const app = await startApp({
    endpoints: [E1, E2, Raw, Own],
    options: {
      closeTimeoutMs: 60_000,
      shutdown: { graceMs: 100 },
      handshake: (context) => {
        const { user } = context.query;
        if (user !== undefined) context.user = { id: Number(user) };
      },
    },
  });
  const members: Member[] = [];
  for (const peer of PEERS) members.push(await enter(app, peer, peer.name === 'x' ? state : 'open'));
  return { app, members };
}

async function enter(app: StartedApp, peer: Peer, state: (typeof STATES)[number]): Promise<Member> {
  const query = new URLSearchParams(peer.channels.map((channel): [string, string] => ['join', channel]));
  query.set('state', state);
  if (peer.user !== undefined) query.set('user', String(peer.user));
  const path = `/ws/${PATHS.get(peer.endpoint)}?${query.toString()}`;
  if (state === 'open' || state === 'establishing') {
    const client = await app.connect(path);
    return { ...peer, connection: await established.next(), client, isAlive: true, isFull: false };
  }
  const raw = await app.peer();
  await raw.upgrade({ path });
  const connection = await established.next();
  const dead = { ...peer, connection, client: undefined, isAlive: false, isFull: false };
  if (state === 'full') {
    raw.pause();
    await clog(connection);
    return { ...dead, isAlive: true, isFull: true };
  }
  if (state === 'closing') {
    connection.close(4000);
    return dead;
  }
  const finished = new Promise((resolve) => connection.on('finish', resolve));
  if (state === 'closed by the peer') await raw.writeRaw(text('wait'));
  await raw.writeRaw(close(4001));
  await raw.nextFrame();
  if (state === 'ended') {
    raw.end();
    await finished;
  }
  return dead;
}

/** Sends until something waits that the kernel does not take any more. */
async function clog(connection: Connection): Promise<void> {
  const piece = Buffer.alloc(64 * 1024);
  for (let quiet = 0; quiet < 20;) {
    if (connection.bufferedBytes === 0) {
      void connection.send(piece);
      quiet = 0;
    } else quiet++;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Bytes go past every serializer. */
const END = Buffer.from('end');

async function play(members: readonly Member[], send: () => Delivery): Promise<Outcome> {
  encoded = { json: 0, own: 0 };
  let delivery: Outcome['delivery'];
  try {
    delivery = send();
  } catch (error) {
    expect(error).toMatchObject({ code: 'encoding_failed' });
    delivery = 'throws';
  }
  const counts = { ...encoded };
  const heard: Record<string, (string | Buffer)[]> = {};
  for (const { name, client, connection } of members) {
    if (client === undefined) continue;
    heard[name] = [];
    void connection.send(END);
    for (let message = await client.next(); String(message) !== 'end'; message = await client.next()) {
      heard[name].push(message);
    }
  }
  return { delivery, heard, encoded: counts };
}

describe.each(STATES)('with one connection %s', (state) => {
  it(
    'send and broadcast reach whom they mean, once, in the form of each, and count them',
    async () => {
      const { app, members } = await boot(state);
      const all = new Map(members.map((member) => [member.name, member]));
      const wrong: unknown[] = [];
      for (const { name, of, who } of AUDIENCES) {
        for (const sender of [undefined, 'j1', 'o1']) {
          const audience = of(sender === undefined ? app.registry : connectionOf(all, sender), all);
          if (audience === undefined) continue;
          for (const value of VALUES) {
            for (const verb of ['send', 'broadcast'] as const) {
              const expected = expectationOf(members, who, value, verb === 'broadcast' ? sender : undefined);
              const actual = await play(members, () => audience[verb](value.value));
              if (!isSame(actual, expected)) wrong.push({ cell: [verb, name, sender, value.name], actual, expected });
            }
          }
        }
      }
      expect(wrong).toEqual([]);
      hold.open();
    },
    patient(60_000),
  );

  it('size, iteration and connections() are those who are meant', async () => {
    const { app, members } = await boot(state);
    const all = new Map(members.map((member) => [member.name, member]));
    for (const { name, of, who } of AUDIENCES) {
      const audience = of(app.registry, all);
      const meant = members.filter((member) => member.isAlive && who(member)).map(({ connection }) => connection.id);
      const ids = audience?.connections().map(({ id }) => id);
      expect([name, audience?.size, new Set(ids), [...(audience ?? [])].length]).toEqual([
        name,
        meant.length,
        new Set(meant),
        meant.length,
      ]);
    }
    hold.open();
  });
});

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

describe('close', () => {
  it.each(AUDIENCES)('of $name closes whom it means, at once, and no others', async ({ of, who }) => {
    const { app, members } = await boot('open');
    const all = new Map(members.map((member) => [member.name, member]));
    const audience = of(app.registry, all);
    const meant = members.filter(who);
    expect(audience?.size ?? 0).toBe(meant.length);
    const closed = audience?.close(4000, 'over');
    expect(audience?.size).toBe(0);
    expect(app.registry.size).toBe(members.length - meant.length);
    expect(await (closed ?? { missing: [] })).toMatchObject({ missing: [] });
    for (const { client } of meant) expect(await client?.closed()).toEqual({ code: 4000, reason: 'over', clean: true });
    app.registry.broadcast(END);
    for (const member of members) if (!meant.includes(member)) expect(await member.client?.next()).toEqual(END);
  });

  it.each([undefined, 'j1'])('refuses a reason that is not a text, also of nobody (sender %p)', async (sender) => {
    const { app, members } = await boot('open');
    const source = members.find(({ name }) => name === sender)?.connection ?? app.registry;
    for (const name of ['red', 'nobody']) {
      for (const reason of [5, null, Buffer.from('over')]) {
        expect(() => source.to(name).close(4000, reason as never)).toThrow('The reason of a close is a string.');
      }
    }
    const [first] = members;
    expect(() => first?.connection.close(4000, 5 as never)).toThrow('The reason of a close is a string.');
    expect(first?.connection.state).toBe('open');
    expect(app.registry.size).toBe(members.length);
  });
});
