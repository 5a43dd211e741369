import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { ConnectionRegistry, type Audience, type Connection } from '../../src/index.js';
import { fakeConnection, type FakeConnection } from '../../src/testing.js';

/*
 * Connections that come, go, join, leave, log in and close in any order, and verbs between: whom a verb reaches is what a
 * plain model says at the moment of the call.
 */

const CHANNELS = ['red', 'blue', 'green'] as const;
const USERS = [1, 2] as const;

class One {}
class Two {}
const ENDPOINTS = [One, Two];

/** What the model knows of one connection. */
interface Known {
  readonly fake: FakeConnection;
  readonly endpoint: typeof One;
  readonly channels: Set<string>;
  /** The first user that it had; it may be away. */
  first: number | undefined;
  user: number | undefined;
  isOpen: boolean;
  readonly heard: number[];
}

interface World {
  readonly registry: ConnectionRegistry;
  readonly known: Known[];
  sent: number;
}

interface Command {
  readonly text: string;
  run(world: World): void | Promise<void>;
}

type Test = (one: Known) => boolean;

/** A step of a description, and what it means. */
interface Step {
  readonly text: string;
  readonly narrow: (audience: Audience, world: World) => Audience;
  readonly keeps: (world: World) => Test;
}

/** Where a description begins. */
interface Base {
  readonly text: string;
  readonly of: (world: World) => Audience;
  readonly includes: (world: World) => Test;
  /** The one that speaks, which `broadcast` leaves out. */
  readonly sender: number | undefined;
}

const channel = fc.constantFrom(...CHANNELS);
const user = fc.constantFrom(...USERS);
const place = fc.nat({ max: 7 });

function pick({ known }: World, index: number): Known | undefined {
  return known.length === 0 ? undefined : known[index % known.length];
}

function idOf(world: World, index: number): string {
  return pick(world, index)?.fake.id ?? 'nowhere';
}

function command(text: string, run: (world: World) => void | Promise<void>): Command {
  return { text, run };
}

/** Names of channels, ids and everybody, as a set of texts and what they mean. */
interface Names {
  readonly text: string;
  readonly list: (world: World) => string[];
}

const names: fc.Arbitrary<Names> = fc
  .array(fc.oneof(channel, fc.constantFrom('*', 'nowhere', ''), place), { maxLength: 3 })
  .map((given) => ({
    text: given.join(','),
    list: (world) => given.map((one) => (typeof one === 'number' ? idOf(world, one) : one)),
  }));

const isAnyOf = (list: readonly string[]): Test => {
  return ({ fake, channels }) => list.some((name) => name === '*' || name === fake.id || channels.has(name));
};

const base: fc.Arbitrary<Base> = fc.oneof(
  names.map((given) => ({
    text: `to(${given.text})`,
    of: (world: World) => world.registry.to(given.list(world)),
    includes: (world: World) => isAnyOf(given.list(world)),
    sender: undefined,
  })),
  fc.tuple(place, names).map(([sender, given]) => ({
    text: `${sender}.to(${given.text})`,
    of: (world: World) => (pick(world, sender)?.fake ?? world.registry).to(given.list(world)),
    includes: (world: World) => isAnyOf(given.list(world)),
    sender,
  })),
  user.map((id) => ({
    text: `toUser(${id})`,
    of: ({ registry }: World) => registry.toUser(id),
    includes: () => (one: Known) => one.user === id,
    sender: undefined,
  })),
  fc.constantFrom(...ENDPOINTS).map((endpoint) => ({
    text: `in(${endpoint.name})`,
    of: ({ registry }: World) => registry.in(endpoint),
    includes: () => (one: Known) => one.endpoint === endpoint,
    sender: undefined,
  })),
);

const step: fc.Arbitrary<Step> = fc.tuple(fc.boolean(), names).map(([keeps, given]) => ({
  text: `.${keeps ? 'only' : 'except'}(${given.text})`,
  narrow: (audience, world) => (keeps ? audience.only(given.list(world)) : audience.except(...given.list(world))),
  keeps: (world) => {
    const isMeant = isAnyOf(given.list(world));
    return keeps ? isMeant : (one) => !isMeant(one);
  },
}));

/** An audience, and who is in it by the model. */
interface Described {
  readonly text: string;
  readonly sender: number | undefined;
  readonly of: (world: World) => Audience;
  readonly members: (world: World) => Known[];
}

const described: fc.Arbitrary<Described> = fc.tuple(base, fc.array(step, { maxLength: 3 })).map(([from, steps]) => ({
  text: `${from.text}${steps.map(({ text }) => text).join('')}`,
  sender: from.sender,
  of: (world) => steps.reduce((audience, { narrow }) => narrow(audience, world), from.of(world)),
  members: (world) => {
    const tests = [from.includes(world), ...steps.map(({ keeps }) => keeps(world))];
    return world.known.filter((one) => one.isOpen && tests.every((test) => test(one)));
  },
}));

function end(one: Known | undefined): void {
  if (one !== undefined) one.isOpen = false;
}

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.tuple(fc.constantFrom(...ENDPOINTS), fc.option(user, { nil: undefined })).map(([endpoint, id]) =>
    command(`connect ${endpoint.name} ${id}`, ({ registry, known }) => {
      const fake = fakeConnection({ registry, endpoint, ...(id === undefined ? {} : { user: { id } }) });
      known.push({ fake, endpoint, channels: new Set(), first: id, user: id, isOpen: true, heard: [] });
    }),
  ),
  fc
    .tuple(place, fc.constantFrom('join', 'leave', 'setChannels'), fc.array(channel, { maxLength: 3 }))
    .map(([index, verb, given]) =>
      command(`${index}.${verb}(${given.join()})`, (world) => {
        const one = pick(world, index);
        one?.fake[verb as 'join'](...given);
        if (one?.isOpen !== true) return;
        if (verb === 'setChannels') one.channels.clear();
        for (const name of given) one.channels[verb === 'leave' ? 'delete' : 'add'](name);
      }),
    ),
  fc.tuple(place, fc.option(user, { nil: null })).map(([index, id]) =>
    command(`${index}.user = ${id}`, (world) => {
      const one = pick(world, index);
      if (one === undefined || !one.isOpen) return;
      const isRefused = id !== null && one.first !== undefined && one.first !== id;
      const set = (): void => void (one.fake.user = id === null ? null : { id: String(id) });
      if (isRefused) {
        expect(set).toThrow('another user');
        return;
      }
      set();
      one.first ??= id ?? undefined;
      one.user = id ?? undefined;
    }),
  ),
  fc.tuple(place, fc.constantFrom('close', 'terminate', 'finish')).map(([index, verb]) =>
    command(`${index}.${verb}()`, async (world) => {
      const one = pick(world, index);
      await one?.fake[verb as 'finish']();
      end(one);
    }),
  ),
  fc.tuple(described, fc.boolean()).map(([audience, isBroadcast]) =>
    command(`${audience.text}.${isBroadcast ? 'broadcast' : 'send'}`, (world) => {
      const sender = audience.sender === undefined ? undefined : pick(world, audience.sender);
      const meant = audience.members(world).filter((one) => !isBroadcast || one !== sender);
      const number = ++world.sent;
      const delivery = audience.of(world)[isBroadcast ? 'broadcast' : 'send'](number);
      for (const one of meant) one.heard.push(number);
      expect(delivery).toEqual({ matched: meant.length, sent: meant.length, dropped: 0 });
    }),
  ),
  described.map((audience) =>
    command(`${audience.text}.close`, (world) => {
      const meant = audience.members(world);
      void audience.of(world).close(4000, 'over');
      for (const one of meant) {
        end(one);
        expect(one.fake.closedWith).toEqual({ code: 4000, reason: 'over' });
      }
    }),
  ),
  described.map((audience) =>
    command(`${audience.text}.connections`, (world) => {
      const of = audience.of(world);
      const listed: Connection[] = of.connections();
      const meant = audience.members(world).map(({ fake }) => fake.id);
      expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(meant));
      expect([listed.length, of.size, [...of].length]).toEqual([meant.length, meant.length, meant.length]);
    }),
  ),
);

/** What holds after each command. */
function check({ registry, known }: World): void {
  const open = known.filter(({ isOpen }) => isOpen);
  expect([...registry].map(({ id }) => id)).toEqual(open.map(({ fake }) => fake.id));
  expect(registry.size).toBe(open.length);
  for (const one of known) {
    expect(one.fake.sent).toEqual(one.heard);
    expect(one.fake.channels).toEqual(one.channels);
    expect(registry.get(one.fake.id)).toBe(one.isOpen ? one.fake : undefined);
  }
}

describe('audiences', () => {
  it('reach at each moment those whom a plain model names, each once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { minLength: 5, maxLength: 60 }), async (all) => {
        const world: World = { registry: new ConnectionRegistry(), known: [], sent: 0 };
        const done: string[] = [];
        try {
          for (const one of all) {
            done.push(one.text);
            await one.run(world);
            check(world);
          }
        } catch (error) {
          throw new Error(`after ${done.join('; ')}`, { cause: error });
        }
        for (const { fake } of world.known) await fake.finish();
        expect([world.registry.size, world.registry.to(CHANNELS).size]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
