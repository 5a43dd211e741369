import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { Logger } from '@nestjs/common';
import { ConnectionRegistry } from '../../../src/websocket/registry/connection-registry.js';
import type { ChannelEventOptions } from '../../../src/websocket/registry/channel-events.js';
import { fakeConnection, type FakeConnection } from '../../../src/websocket/testing/fake-connection.js';
import { LogRecorder } from '../../support/log-recorder.js';

let registry: ConnectionRegistry;
let happened: string[];
beforeEach(() => {
  registry = new ConnectionRegistry();
  happened = [];
});

function listen(options?: ChannelEventOptions): (() => void)[] {
  return [
    registry.on('occupied', ({ channel }) => happened.push(`${channel} occupied`), options),
    registry.on('vacated', ({ channel }) => happened.push(`${channel} vacated`), options),
  ];
}

function enter(...channels: string[]): FakeConnection {
  const connection = fakeConnection({ registry });
  connection.join(channels);
  return connection;
}

describe('occupied and vacated', () => {
  it('tell of the first and the last member, after the turn', async () => {
    listen({ graceMs: 0 });
    const [first, second] = [enter('red'), enter('red', 'blue')];
    expect(happened).toEqual([]);
    await nextTurn();
    expect(happened).toEqual(['red occupied', 'blue occupied']);
    first.leave('red');
    await nextTurn();
    second.close();
    expect(happened).toHaveLength(2);
    await nextTurn();
    expect(happened).toEqual(['red occupied', 'blue occupied', 'red vacated', 'blue vacated']);
  });

  it('tell nothing of what lasts no longer than a turn', async () => {
    listen({ graceMs: 0 });
    enter('red').leave('red');
    const stays = enter('blue');
    await nextTurn();
    stays.setChannels();
    enter('blue');
    await nextTurn();
    expect(happened).toEqual(['blue occupied']);
  });

  it('tell of the channels that are occupied already', async () => {
    enter('red');
    await nextTurn();
    listen({ graceMs: 0 });
    await nextTurn();
    expect(happened).toEqual(['red occupied']);
  });

  it('tell nothing of ids, users and everybody', async () => {
    listen({ graceMs: 0 });
    const connection = fakeConnection({ registry, user: 'ada' });
    registry.toUser('ada').send('x');
    registry.to(connection.id, '*').send('x');
    await connection.finish();
    await nextTurn();
    expect(happened).toEqual([]);
  });

  it('are not told to a handler that was taken off, also not in its own call', async () => {
    const [offOccupied, offVacated] = listen({ graceMs: 0 });
    const off = registry.on('occupied', ({ channel }) => {
      happened.push(`once ${channel}`);
      off();
    });
    offVacated?.();
    offVacated?.();
    enter('red', 'blue').leave('blue');
    enter('blue');
    await nextTurn();
    offOccupied?.();
    enter('green');
    await nextTurn();
    expect(happened).toEqual(['red occupied', 'blue occupied', 'once red']);
  });

  it('may join, send and close in a handler; what that changes comes in a later turn', async () => {
    const connection = enter('red');
    listen({ graceMs: 0 });
    registry.on('occupied', ({ channel }) => channel === 'red' && connection.join('blue'));
    registry.on('occupied', ({ channel }) => channel === 'blue' && registry.to('blue').close(4000), { graceMs: 0 });
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    expect(happened).toEqual(['red occupied', 'blue occupied', 'red vacated', 'blue vacated']);
    expect(connection.closedWith).toMatchObject({ code: 4000 });
  });

  it('reach every handler, even if another one throws or rejects', async () => {
    const logs = new LogRecorder();
    Logger.overrideLogger(logs);
    registry.on('occupied', () => {
      throw new Error('broken');
    });
    registry.on('occupied', () => Promise.reject(new Error('broken too')));
    listen();
    enter('red');
    await nextTurn();
    expect(happened).toEqual(['red occupied']);
    expect(logs.at('error').join()).toMatch(/broken.*broken too/s);
    Logger.overrideLogger(false);
  });

  it.each([-1, 0.5, Number.NaN, Infinity, 2 ** 31, '5'])('refuse %p as graceMs', (graceMs) => {
    expect(() => registry.on('vacated', () => undefined, { graceMs: graceMs as number })).toThrow(RangeError);
  });

  describe('with a grace time', () => {
    beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate'] }));
    afterEach(() => void jest.useRealTimers());

    it('tell that a channel is vacated when it has been without a member for so long', async () => {
      listen({ graceMs: 300 });
      const connection = enter('red');
      await nextTurn();
      connection.leave('red');
      await nextTurn();
      jest.advanceTimersByTime(299);
      expect(happened).toEqual(['red occupied']);
      jest.advanceTimersByTime(1);
      expect(happened).toEqual(['red occupied', 'red vacated']);
      connection.join('red');
      await nextTurn();
      expect(happened).toEqual(['red occupied', 'red vacated', 'red occupied']);
    });

    it('tell nothing of who comes back within it, and then count anew', async () => {
      listen();
      const connection = enter('red');
      for (let visit = 0; visit < 3; visit++) {
        await nextTurn();
        connection.leave('red');
        await nextTurn();
        jest.advanceTimersByTime(999);
        connection.join('red');
      }
      await nextTurn();
      jest.advanceTimersByTime(10_000);
      expect(happened).toEqual(['red occupied']);
      connection.leave('red');
      await nextTurn();
      jest.advanceTimersByTime(1_000);
      expect(happened).toEqual(['red occupied', 'red vacated']);
    });
  });

  it('take turns for each channel, begin with occupied and end as the members are', async () => {
    const steps = fc.array(
      fc.record({
        who: fc.nat({ max: 3 }),
        verb: fc.constantFrom('join', 'leave', 'setChannels', 'turn', 'close'),
        channel: fc.constantFrom('red', 'blue'),
      }),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        registry = new ConnectionRegistry();
        happened = [];
        listen({ graceMs: 0 });
        const connections = [0, 1, 2, 3].map(() => fakeConnection({ registry }));
        for (const { who, verb, channel } of all) {
          if (verb === 'turn') await nextTurn();
          else if (verb === 'close') connections[who]?.close();
          else connections[who]?.[verb](channel);
        }
        await nextTurn();
        for (const channel of ['red', 'blue']) {
          const told = happened.filter((text) => text.startsWith(channel));
          const isOccupied = registry.to(channel).size > 0;
          expect(told).toEqual(told.map((_text, index) => `${channel} ${index % 2 === 0 ? 'occupied' : 'vacated'}`));
          expect(told.length % 2 === 1).toBe(isOccupied);
        }
      }),
      { numRuns: 100 },
    );
  });
});
