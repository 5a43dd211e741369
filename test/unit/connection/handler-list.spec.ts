import { describe, expect, it } from '@jest/globals';
import { HandlerList } from '../../../src/websocket/connection/handler-list.js';
import { fakeConnection } from '../../../src/websocket/testing/fake-connection.js';

describe('the handlers of an event', () => {
  it('are a snapshot in the order of registration, whichever come and go meanwhile', () => {
    const list = new HandlerList<string>();
    const [first, , third] = ['a', 'b', 'c'].map((name) => list.add(name));
    const before = list.entries;
    first?.();
    list.add('b');
    third?.();
    third?.();
    expect(before.map(({ handler }) => handler)).toEqual(['a', 'b', 'c']);
    expect(list.entries.map(({ handler }) => handler)).toEqual(['b', 'b']);
    expect(list.entries).toBe(list.entries);
  });

  it('cost each the same to add and to take off, with any number of others', () => {
    const cpuUs = (count: number): number => {
      const connection = fakeConnection();
      const before = process.cpuUsage();
      const all = Array.from({ length: count }, () => connection.on('message', () => undefined));
      for (const unregister of all) unregister();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const least = (count: number): number => Math.min(...Array.from({ length: 3 }, () => cpuUs(count)));
    cpuUs(2_000);
    // Eight times as many: with the square it would be 64 times as much.
    expect(least(16_000)).toBeLessThan(30 * Math.max(least(2_000), 1_000));
  });
});
