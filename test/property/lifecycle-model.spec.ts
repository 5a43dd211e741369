import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { patient } from '../support/patience.js';
import { parseAnswer } from '../support/raw-http.js';
import {
  CLOSE_TIMEOUT_MS,
  HANDSHAKE_TIMEOUT_MS,
  LifecycleWorld,
  MAX_PENDING,
  type Client,
  type Manners,
} from './support/lifecycle-world.js';

/** One step of the world: something that a client, the application, the network or time does. */
type Step =
  | { readonly do: 'upgrade'; readonly manners: Manners }
  | { readonly do: (typeof CLIENT_STEPS)[number]; readonly who: number }
  | { readonly do: 'decide'; readonly who: number; readonly how: 'accept' | 'refuse' | 'throw' | 'nonsense' }
  | {
      readonly do: 'say';
      readonly who: number;
      readonly what: 'quick' | 'wait' | 'throw' | 'close';
      readonly times: number;
    }
  | { readonly do: 'turn' }
  | { readonly do: 'drain' }
  | { readonly do: 'time' };

const CLIENT_STEPS = [
  'leave',
  'reset',
  'settleEstablish',
  'failEstablish',
  'finishWork',
  'failWork',
  'closeByPeer',
  'answerClose',
  'breakProtocol',
  'closeByServer',
  'terminate',
  'settleFinish',
] as const;

const who = fc.nat({ max: 3 });
const manners = fc.record<Manners>({
  handshake: fc.constantFrom('accept', 'accept', 'wait', 'wait', 'refuse', 'throw'),
  establish: fc.constantFrom('return', 'return', 'wait', 'wait', 'throw', 'close'),
  finish: fc.constantFrom('return', 'wait', 'throw'),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('upgrade' as const), manners }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constantFrom(...CLIENT_STEPS), who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      who,
      how: fc.constantFrom('accept', 'accept', 'refuse', 'throw', 'nonsense'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      who,
      what: fc.constantFrom('quick', 'quick', 'wait', 'wait', 'throw', 'close'),
      times: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: 'drain' }, { do: 'time' }) },
);

describe('the lifecycle, in any order of events', () => {
  beforeEach(() => {
    Logger.overrideLogger(false);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
    Logger.overrideLogger(['log', 'error', 'warn']);
  });

  it.each([1, 3])(
    'establishes and finishes in balance, keeps order and bounds, and gives everything back (concurrency %i)',
    async (concurrency) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
          jest.clearAllTimers();
          const world = new LifecycleWorld(concurrency);
          for (const one of steps) {
            await take(world, one);
            world.clients.forEach((client) => checkAlways(world, client));
          }
          await wrapUp(world);
          world.clients.forEach((client) => checkAtEnd(world, client));
          // A refused client has a second to read its answer.
          jest.advanceTimersByTime(1_000);
          expect({
            connections: world.registry.size,
            places: world.limits.total,
            undecided: world.admission.pending,
            queued: world.ledger.total,
            timers: jest.getTimerCount(),
            ended: world.ended,
          }).toEqual({
            connections: 0,
            places: 0,
            undecided: 0,
            queued: 0,
            timers: 0,
            ended: world.clients.filter(({ established }) => established > 0).length,
          });
        }),
        { numRuns: 250 },
      );
    },
    patient(30_000),
  );

  it('has no timer left once a client that closed politely is finished', async () => {
    jest.clearAllTimers();
    const world = new LifecycleWorld(1);
    const client = world.upgrade({ handshake: 'accept', establish: 'return', finish: 'return' });
    const transport = world.transportOf(client);
    for (const message of ['0 wait', '1 quick']) transport?.deliver(message);
    transport?.closeByPeer(1000);
    await turn();
    client.working[0]?.open();
    await turn();
    expect([client.begun, client.finished, jest.getTimerCount()]).toEqual([['0 wait', '1 quick'], 1, 0]);
  });
});

const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

async function take(world: LifecycleWorld, one: Step): Promise<void> {
  if (one.do === 'upgrade') world.upgrade(one.manners);
  else if (one.do === 'turn') await turn();
  else if (one.do === 'drain') world.drain();
  else if (one.do === 'time') {
    world.isImpatient = true;
    const closing = world.clients.filter(({ connection }) => connection?.state === 'closing');
    jest.advanceTimersByTime(Math.max(HANDSHAKE_TIMEOUT_MS, CLOSE_TIMEOUT_MS));
    for (const client of closing) expect(world.transportOf(client)?.isOver).toBe(true);
  } else {
    const client = world.clients[one.who];
    if (client !== undefined) act(world, client, one);
  }
}

function act(
  world: LifecycleWorld,
  client: Client,
  one: Exclude<Step, { do: 'upgrade' | 'turn' | 'drain' | 'time' }>,
): void {
  const transport = world.transportOf(client);
  switch (one.do) {
    case 'decide':
      if (one.how === 'throw') client.handshake?.fail(new Error('no'));
      else client.handshake?.open({ accept: undefined, refuse: { status: 403 }, nonsense: null }[one.how]);
      return;
    case 'say':
      for (let count = 0; count < one.times; count++) transport?.deliver(`${client.sent++} ${one.what}`);
      return;
    case 'leave':
      if (transport === undefined) client.socket.push(null);
      else transport.cut();
      return;
    case 'reset':
      if (transport === undefined) client.socket.destroy(new Error('ECONNRESET'));
      else transport.cut();
      return;
    case 'settleEstablish':
      client.establishing?.open();
      return;
    case 'failEstablish':
      client.isRefused ||= client.establishing !== undefined;
      client.establishing?.fail(new Error('late'));
      return;
    case 'finishWork':
      client.working[0]?.open();
      return;
    case 'failWork':
      client.isRefused ||= client.working.length > 0;
      client.working.at(-1)?.fail(new Error('work fails'));
      return;
    case 'closeByPeer':
      transport?.closeByPeer(1000);
      return;
    case 'answerClose':
      if (transport?.closeSent !== undefined) transport.closeByPeer(transport.closeSent.code);
      return;
    case 'breakProtocol':
      transport?.breakProtocol(1002);
      return;
    case 'closeByServer':
      client.isRefused = true;
      client.connection?.close(4002);
      return;
    case 'terminate':
      client.isRefused = true;
      client.connection?.terminate();
      return;
    case 'settleFinish':
      client.finishing?.open();
  }
}

/** What holds at every moment. */
function checkAlways(world: LifecycleWorld, client: Client): void {
  const transport = world.transportOf(client);
  expect([client.faults, transport?.faults ?? []]).toEqual([[], []]);
  expect(client.established).toBeLessThanOrEqual(1);
  expect(client.finished).toBeLessThanOrEqual(client.established);
  const { delivered = [], isOver = true, isOpen = false, paused = false } = transport ?? {};
  expect(client.begun).toEqual(delivered.slice(0, client.begun.length));
  const { connection } = client;
  // A reply may still leave before our close frame; what arrives then is dropped.
  const isBounded = !isOver && isOpen && connection?.state !== 'closing';
  if (isBounded) expect(delivered.length - client.begun.length).toBeLessThanOrEqual(MAX_PENDING);
  if (connection === undefined) return;
  // The answer of the peer has to be read.
  if (connection.state === 'closing') expect(paused).toBe(false);
  // Who closes is in no look-up and no audience.
  const isMeant = connection.state === 'establishing' || connection.state === 'open';
  expect(world.registry.get(connection.id)).toBe(isMeant ? connection : undefined);
}

/** Lets everything come to its end: all gates open, every peer answers or closes. */
async function wrapUp(world: LifecycleWorld): Promise<void> {
  for (let round = 0; round < 40; round++) {
    await turn();
    for (const client of world.clients) {
      client.handshake?.open(undefined);
      client.establishing?.open();
      for (const gate of [...client.working]) gate.open();
      client.finishing?.open();
    }
  }
  for (const client of world.clients) {
    const transport = world.transportOf(client);
    if (transport === undefined || transport.isOver) continue;
    // Nothing is left to do, so whoever is open reads and has handled everything.
    if (transport.isOpen) {
      expect([transport.paused, client.begun]).toEqual([false, transport.delivered]);
    }
    transport.closeByPeer(transport.closeSent?.code ?? 1000);
  }
  for (let round = 0; round < 10; round++) {
    await turn();
    for (const client of world.clients) {
      for (const gate of [...client.working]) gate.open();
      client.finishing?.open();
    }
  }
  // Not awaited as it is: a drain that never ends would end the test without a word about the case.
  let drained = world.drained === undefined;
  void world.drained?.then(() => (drained = true));
  for (let round = 0; round < 40 && !drained; round++) await turn();
  expect(drained).toBe(true);
}

function checkAtEnd(world: LifecycleWorld, client: Client): void {
  expect(client.faults).toEqual([]);
  expect(client.finished).toBe(client.established);
  const transport = world.transportOf(client);
  if (transport === undefined) {
    expect(client.established).toBe(0);
    const written = Buffer.concat(client.socket.written);
    // Who is still there got one whole answer and nothing else; who left may have got nothing.
    if (written.length === 0) expect(client.socket.destroyed).toBe(true);
    else expect(parseAnswer(written, true)?.length).toBe(written.length);
    return;
  }
  expect(client.established).toBe(1);
  expect(client.socket.written).toEqual([]);
  expect(transport.isOver).toBe(true);
  expect(client.connection?.state).toBe('closed');
  expect(client.connection?.signal.aborted).toBe(true);
  const { code, clean, initiator } = client.end ?? {};
  // A close frame of ours has the code that the end is told with, unless the peer broke the protocol after it.
  if (code !== 1006 && initiator !== 'error') expect([code, undefined]).toContain(transport.closeSent?.code);
  if (clean === true) expect([transport.closeSent, transport.closeReceived]).not.toContain(undefined);
  // What a client had sent before it closed politely is handled, unless that takes too long or is not wanted.
  const isWanted = !client.isRefused && !world.isImpatient;
  if (clean === true && initiator === 'client' && isWanted) expect(client.begun).toEqual(transport.delivered);
}
