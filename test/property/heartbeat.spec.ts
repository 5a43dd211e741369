import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { Connection } from '../../src/websocket/connection/connection.js';
import { ConnectionRegistry } from '../../src/websocket/connection/connection-registry.js';
import { Heartbeat } from '../../src/websocket/connection/heartbeat.js';
import { LimitsOptions } from '../../src/websocket/connection/limits.options.js';
import { Outbox } from '../../src/websocket/connection/outbox.js';
import { ProxyTrust } from '../../src/websocket/connection/proxy-trust.js';
import { RequestContext } from '../../src/websocket/connection/request-context.js';
import { RawSerializer } from '../../src/websocket/serializer/raw.serializer.js';
import { MemoryTransport } from './support/memory-transport.js';

const options = fc.record({
  intervalMs: fc.integer({ min: 4, max: 500 }),
  timeoutMs: fc.integer({ min: 4, max: 500 }),
});
/** When a connection comes, in the middle of whatever the timer is doing. */
const lateByMs = fc.integer({ min: 0, max: 600 });

function connect(): { transport: MemoryTransport; connection: Connection } {
  const transport = new MemoryTransport();
  const context = new RequestContext(new IncomingMessage(new Socket()), '/', {}, new ProxyTrust(false));
  const connection = new Connection({
    id: 'one',
    endpoint: Object,
    context,
    serializer: new RawSerializer(),
    outbox: new Outbox(transport, new LimitsOptions(), undefined),
    home: new ConnectionRegistry(),
  });
  return { transport, connection };
}

describe('the heartbeat, for any interval and timeout', () => {
  let heartbeat: Heartbeat;
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** A heartbeat that has been running for a while, and one connection that comes to it. */
  function begin(given: { intervalMs: number; timeoutMs: number }, lateBy: number): ReturnType<typeof connect> {
    jest.clearAllTimers();
    heartbeat = new Heartbeat(given);
    const first = connect();
    heartbeat.add(first.connection);
    heartbeat.setPaused(first.connection, true);
    jest.advanceTimersByTime(lateBy);
    const second = connect();
    heartbeat.add(second.connection);
    return second;
  }

  /** Lets time pass until something is true, and tells how much. */
  function timeUntil(isTrue: () => boolean, limitMs: number): number {
    let passed = 0;
    for (; passed <= limitMs && !isTrue(); passed++) jest.advanceTimersByTime(1);
    return passed;
  }

  it('asks a silent peer within the interval, and cuts it within interval and timeout, never before', () => {
    fc.assert(
      fc.property(options, lateByMs, (given, lateBy) => {
        const { transport, connection } = begin(given, lateBy);
        const { intervalMs, timeoutMs } = given;
        const asked = timeUntil(() => transport.pings > 0, intervalMs + timeoutMs);
        const cut = asked + timeUntil(() => transport.isOver, intervalMs + timeoutMs);
        const tickMs = Math.min(intervalMs, timeoutMs) / 4;
        expect(asked).toBeLessThanOrEqual(intervalMs);
        expect(asked).toBeGreaterThanOrEqual(intervalMs - 3 * tickMs - 1);
        expect(cut).toBeLessThanOrEqual(intervalMs + timeoutMs);
        expect(cut - asked).toBeGreaterThan(timeoutMs - tickMs - 1);
        expect(connection.closing).toMatchObject({ code: 1006, initiator: 'heartbeat' });
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

  it('never asks or cuts a paused connection, however long, and asks again once it reads on', () => {
    fc.assert(
      fc.property(options, lateByMs, fc.integer({ min: 1, max: 20 }), (given, lateBy, times) => {
        const { transport, connection } = begin(given, lateBy);
        heartbeat.setPaused(connection, true);
        jest.advanceTimersByTime(times * (given.intervalMs + given.timeoutMs));
        expect([transport.pings, transport.isOver]).toEqual([0, false]);
        heartbeat.setPaused(connection, false);
        jest.advanceTimersByTime(given.intervalMs + given.timeoutMs);
        expect([transport.pings, transport.isOver]).toEqual([1, true]);
      }),
      { numRuns: 40 },
    );
  });

  it('has one timer while there are connections and none without', () => {
    const connections = Array.from({ length: 500 }, () => connect().connection);
    heartbeat = new Heartbeat({ intervalMs: 100, timeoutMs: 100 });
    expect(jest.getTimerCount()).toBe(0);
    for (const connection of connections) heartbeat.add(connection);
    expect(jest.getTimerCount()).toBe(1);
    for (const connection of connections) heartbeat.remove(connection);
    expect(jest.getTimerCount()).toBe(0);
  });
});
