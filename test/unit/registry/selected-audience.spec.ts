import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConnectionRegistry } from '../../../src/websocket/registry/connection-registry.js';
import { fakeConnection, type FakeConnection } from '../../../src/websocket/testing/fake-connection.js';

const CHANNELS = ['red', 'blue', 'green'];

describe('an audience', () => {
  let registry: ConnectionRegistry;
  let connections: FakeConnection[];
  beforeEach(() => {
    registry = new ConnectionRegistry();
    connections = Array.from({ length: 5 }, () => fakeConnection({ registry }));
  });

  it('is a snapshot when it is listed, and made anew each time', () => {
    const audience = registry.to('red');
    connections[0]?.join('red');
    const listed = [...audience];
    connections[1]?.join('red');
    expect([listed.length, audience.size]).toEqual([1, 2]);
    for (const connection of audience) connection.leave('red');
    expect(audience.size).toBe(0);
  });

  it('is not changed by except, which gives another one', () => {
    for (const connection of connections) connection.join('red');
    const all = registry.to('red');
    const fewer = all.except(connections[0] as never);
    expect([all.size, fewer.size, fewer.except(connections[1] as never).size, fewer.size]).toEqual([5, 4, 3, 4]);
  });

  it('sends to those who were there when it was sent, even if a send changes who is there', async () => {
    connections[0]?.join('red');
    connections[1]?.join('red');
    expect(registry.to('red').send('x')).toMatchObject({ matched: 2, sent: 2 });
    await connections[1]?.finish();
    expect(registry.to('red').send('y')).toMatchObject({ matched: 1, sent: 1 });
    expect(connections.map(({ sent }) => sent)).toEqual([['x', 'y'], ['x'], [], [], []]);
  });

  it('is one connection when its id is named, of a fake one too', () => {
    const [one, other] = connections as [FakeConnection, FakeConnection];
    one.join('red');
    other.join('red');
    expect(registry.to(one.id).send('x').matched).toBe(1);
    expect(registry.to('red').except(one.id).send('y').matched).toBe(1);
    expect([one.sent, other.sent]).toEqual([['x'], ['y']]);
  });

  it('is what sets say: union of the channels, without the exceptions, each once', () => {
    const member = fc.subarray(CHANNELS);
    const names = fc.array(fc.constantFrom(...CHANNELS, '*', 'nowhere'), { maxLength: 4 });
    const outside = fc.array(fc.constantFrom(...CHANNELS, 'nowhere'), { maxLength: 2 });
    fc.assert(
      fc.property(
        fc.array(member, { minLength: 5, maxLength: 5 }),
        names,
        outside,
        fc.nat({ max: 4 }),
        (joined, to, except, sender) => {
          connections.forEach((connection, index) => connection.setChannels(...(joined[index] ?? [])));
          const expected = connections.filter((_connection, index) => {
            const own = joined[index] ?? [];
            const isMeant = to.some((name) => name === '*' || own.includes(name));
            return isMeant && !except.some((name) => own.includes(name)) && index !== sender;
          });
          const audience = (connections[sender] as FakeConnection).to(...to).except(...except);
          const before = connections.map(({ sent }) => sent.length);
          expect(audience.broadcast('x')).toEqual({ matched: expected.length, sent: expected.length, dropped: 0 });
          const got = connections.filter(({ sent }, index) => sent.length === (before[index] ?? 0) + 1);
          expect(got.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        },
      ),
    );
  });
});
