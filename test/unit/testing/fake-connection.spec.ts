import { describe, expect, it } from '@jest/globals';
import { Connection, ConnectionRegistry, UserChangedError } from '../../../src/index.js';
import { fakeConnection } from '../../../src/testing.js';

class Room {
  enter(connection: Connection<{ id: number }>): number {
    return connection.user.id;
  }
}

class Inbox {}

describe('a fake connection', () => {
  it('raises the events of its registry, once each', async () => {
    const registry = new ConnectionRegistry();
    const happened: unknown[] = [];
    registry.on('establish', ({ id, state }) => happened.push(['establish', id, state]));
    registry.on('finish', ({ id, state }, { code }) => happened.push(['finish', id, state, code]));
    const connection = fakeConnection({ registry });
    await connection.finish({ code: 4000 });
    expect(happened).toEqual([
      ['establish', connection.id, 'establishing'],
      ['finish', connection.id, 'closed', 4000],
    ]);
  });

  it('has an id of the form of real ones, which cannot be joined', () => {
    const [one, other] = [fakeConnection(), fakeConnection()];
    expect(one.id).toMatch(/^conn[\w-]{24}$/);
    expect(one.id).not.toBe(other.id);
    expect(() => one.join(other.id)).toThrow(TypeError);
    expect(one.to(one.id).size).toBe(1);
  });

  it('belongs to an endpoint, and to a user', () => {
    const registry = new ConnectionRegistry();
    const connection = fakeConnection({ registry, endpoint: Room, user: { id: 7 } });
    fakeConnection({ registry, endpoint: Inbox });
    expect(registry.in(Room).connections()).toEqual([connection]);
    expect(registry.toUser(7).send('private')).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect([connection.endpoint, connection.sent]).toEqual([Room, ['private']]);
  });

  it('of an endpoint has the types that its methods declare', () => {
    const registry = new ConnectionRegistry();
    const connection = fakeConnection(Room, { registry, user: { id: 7 } });
    expect(new Room().enter(connection)).toBe(7);
    expect(registry.in(Room).connections()).toEqual([connection]);
    // @ts-expect-error -- not a user of the endpoint
    expect(fakeConnection(Room, { user: 'Ada' }).user).toBe('Ada');
    expect(fakeConnection(Inbox).endpoint).toBe(Inbox);
  });

  it('keeps the rules of its user', () => {
    const registry = new ConnectionRegistry();
    const connection = fakeConnection({ registry });
    connection.user = { id: 1 };
    expect(() => (connection.user = { id: 2 })).toThrow(UserChangedError);
    expect([connection.user, registry.toUser(1).size, registry.toUser(2).size]).toEqual([{ id: 1 }, 1, 0]);
  });

  it('keeps the names of its channels when it is over, and changes none of them then', async () => {
    const registry = new ConnectionRegistry();
    const connection = fakeConnection({ registry });
    connection.join('red', 'blue');
    await connection.finish();
    connection.leave('red');
    connection.setChannels('green');
    connection.setChannels();
    expect([[...connection.channels], registry.to('red', 'green').size]).toEqual([['red', 'blue'], 0]);
  });
});
