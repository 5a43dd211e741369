import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { HeartbeatOptions, LimitsOptions } from '../../src/index.js';
import { Ticker } from '../../src/websocket/registry/ticker.js';
import { LifecycleWorld, MAX_PENDING, type Client, type Manners } from './support/lifecycle-world.js';
import type { MemoryTransport } from './support/memory-transport.js';

const options = fc.record({
  intervalMs: fc.integer({ min: 4, max: 500 }),
  timeoutMs: fc.integer({ min: 4, max: 500 }),
});
/** When a connection comes, in the middle of whatever the timer is doing. */
const lateByMs = fc.integer({ min: 0, max: 600 });

const PLAIN: Manners = { handshake: 'accept', establish: 'return', finish: 'return' };

function tickerOf(
  { registry }: LifecycleWorld,
  heartbeat: HeartbeatOptions | undefined,
  limits: Partial<LimitsOptions> = {},
): Ticker {
  return new Ticker(registry.members, [{ metatype: Object, settings: { heartbeat, limits, closeTimeoutMs: 5_000 } }]);
}

describe('the heartbeat, for any interval and timeout', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** A heartbeat that has been running for a while, and one connection that comes to it. */
  function begin(
    given: { intervalMs: number; timeoutMs: number },
    lateBy: number,
    manners = PLAIN,
  ): { client: Client; transport: MemoryTransport } {
    jest.clearAllTimers();
    const world = new LifecycleWorld(1);
    tickerOf(world, given).start();
    jest.advanceTimersByTime(lateBy);
    const client = world.upgrade(manners);
    const transport = world.transportOf(client);
    if (transport === undefined) throw new Error('Not accepted.');
    return { client, transport };
  }

  /** Lets time pass until something is true, and tells how much. */
  function timeUntil(isTrue: () => boolean, limitMs: number): number {
    let passed = 0;
    for (; passed <= limitMs && !isTrue(); passed++) jest.advanceTimersByTime(1);
    return passed;
  }

  it('asks a silent peer within the interval, and cuts it within interval and timeout, never before', async () => {
    await fc.assert(
      fc.asyncProperty(options, lateByMs, async (given, lateBy) => {
        const { transport, client } = begin(given, lateBy);
        const { intervalMs, timeoutMs } = given;
        const asked = timeUntil(() => transport.pings > 0, intervalMs + timeoutMs);
        const cut = asked + timeUntil(() => transport.isOver, intervalMs + timeoutMs);
        const tickMs = Math.min(intervalMs, timeoutMs) / 4;
        expect(asked).toBeLessThanOrEqual(intervalMs);
        expect(asked).toBeGreaterThanOrEqual(intervalMs - 3 * tickMs - 1);
        expect(cut).toBeLessThanOrEqual(intervalMs + timeoutMs);
        expect(cut - asked).toBeGreaterThan(timeoutMs - tickMs - 1);
        await new Promise((resolve) => setImmediate(resolve));
        expect(client.end).toMatchObject({ code: 1006, initiator: 'heartbeat' });
        expect(transport.pings).toBe(1);
      }),
      { numRuns: 60 },
    );
  });

  it('never cuts a peer that sends a byte in time after each ping', () => {
    fc.assert(
      fc.property(
        options,
        fc.array(fc.double({ min: 0, max: 0.7, noNaN: true }), { minLength: 4, maxLength: 8 }),
        (given, delays) => {
          const { transport } = begin(given, 0);
          for (const delay of delays) {
            const pings = transport.pings;
            timeUntil(() => transport.pings > pings, given.intervalMs * 2);
            jest.advanceTimersByTime(Math.floor(delay * given.timeoutMs));
            transport.bytesRead++;
          }
          expect(transport.isOver).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('never asks or cuts a connection that is paused for a full inbox, and asks again once it reads on', async () => {
    await fc.assert(
      fc.asyncProperty(options, lateByMs, fc.integer({ min: 1, max: 20 }), async (given, lateBy, times) => {
        const { transport, client } = begin(given, lateBy, { ...PLAIN, establish: 'wait' });
        for (let count = 0; count <= MAX_PENDING; count++) transport.deliver('x');
        expect(transport.paused).toBe(true);
        jest.advanceTimersByTime(times * (given.intervalMs + given.timeoutMs));
        expect([transport.pings, transport.isOver]).toEqual([0, false]);
        client.establishing?.open();
        await new Promise((resolve) => setImmediate(resolve));
        expect([transport.paused, client.begun.length]).toEqual([false, MAX_PENDING + 1]);
        jest.advanceTimersByTime(given.intervalMs + given.timeoutMs);
        expect([transport.pings, transport.isOver]).toEqual([1, true]);
      }),
      { numRuns: 40 },
    );
  });

  it('asks and cuts many that came together turn by turn, each within its time', () => {
    jest.clearAllTimers();
    const world = new LifecycleWorld(1);
    const given = { intervalMs: 4_000, timeoutMs: 4_000 };
    tickerOf(world, given).start();
    const transports = Array.from({ length: 900 }, () => world.transportOf(world.upgrade(PLAIN)));
    const count = (is: (transport: MemoryTransport) => boolean): number =>
      transports.filter((transport) => transport !== undefined && is(transport)).length;
    let [asked, cut, mostAsked, mostCut] = [0, 0, 0, 0];
    for (let passed = 0; passed <= (given.intervalMs + given.timeoutMs) * 1.25; passed += 10) {
      jest.advanceTimersByTime(10);
      const [nowAsked, nowCut] = [count(({ pings }) => pings > 0), count(({ isOver }) => isOver)];
      mostAsked = Math.max(mostAsked, nowAsked - asked);
      mostCut = Math.max(mostCut, nowCut - cut);
      [asked, cut] = [nowAsked, nowCut];
      if (passed === given.intervalMs + given.timeoutMs / 4) expect([asked, cut]).toEqual([900, 0]);
    }
    expect([asked, cut, count(({ pings }) => pings === 1)]).toEqual([900, 900, 900]);
    expect(mostAsked).toBeLessThan(100);
    expect(mostCut).toBeLessThan(100);
  });

  it('visits those that come during a round, and goes on when many leave', () => {
    jest.clearAllTimers();
    const world = new LifecycleWorld(1);
    const given = { intervalMs: 4_000, timeoutMs: 4_000 };
    tickerOf(world, given).start();
    const clients = Array.from({ length: 300 }, () => world.upgrade(PLAIN));
    jest.advanceTimersByTime(1_010);
    for (const client of clients.slice(0, 290)) client.connection?.terminate();
    clients.push(...Array.from({ length: 300 }, () => world.upgrade(PLAIN)));
    jest.advanceTimersByTime(given.intervalMs);
    expect(clients.slice(290).map((client) => world.transportOf(client)?.pings)).toEqual(Array(310).fill(1));
  });

  it('ends those that came together at different times, none after its lifetime and none in the first four fifths', () => {
    jest.clearAllTimers();
    const world = new LifecycleWorld(1);
    tickerOf(world, undefined, { maxLifetimeMs: 16_000 }).start();
    const transports = Array.from({ length: 100 }, () => world.transportOf(world.upgrade(PLAIN)));
    const ended: number[] = [];
    for (let second = 1; second <= 16; second++) {
      jest.advanceTimersByTime(1_000);
      ended.push(transports.filter((transport) => transport?.closeSent?.code === 4408).length);
    }
    expect([ended[11], ended[15]]).toEqual([0, 100]);
    const steps = ended.map((sum, second) => sum - (ended[second - 1] ?? 0));
    expect(Math.max(...steps)).toBeLessThan(50);
  });

  it('has one timer for any number of connections, and none once it is stopped', () => {
    const world = new LifecycleWorld(1);
    const heartbeat = tickerOf(world, { intervalMs: 100, timeoutMs: 100 });
    heartbeat.start();
    heartbeat.start();
    for (let count = 0; count < 500; count++) world.upgrade(PLAIN);
    expect([world.registry.size, jest.getTimerCount()]).toEqual([500, 1]);
    heartbeat.stop();
    expect(jest.getTimerCount()).toBe(0);
  });
});
