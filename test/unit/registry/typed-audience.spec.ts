import { describe, expect, it } from '@jest/globals';
import { Connection } from '../../../src/websocket/connection/connection.js';
import { ConnectionRegistry } from '../../../src/websocket/registry/connection-registry.js';
import { FinishInfo } from '../../../src/websocket/connection/finish-info.js';
import type { Audience } from '../../../src/websocket/connection/audience.js';
import type { ConnectionOf } from '../../../src/websocket/connection/connection-of.js';

interface User {
  readonly id: number;
}

interface Visit {
  readonly name: string;
}

class Room {
  enter(connection: Connection<User, Visit>, room: string): string {
    return connection.data.name + room;
  }

  leave(connection: Connection<User, Visit>, end: FinishInfo): number {
    return connection.user.id + end.code;
  }

  count(by: number): number {
    return by;
  }
}

class Echo {
  echo(message: string): string {
    return message;
  }
}

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;

describe('registry.in', () => {
  it('gives connections with the user and the data that the methods of the class have', () => {
    const visitors: Audience<Connection<User, Visit>> = new ConnectionRegistry().in(Room).only('room:tea').except();
    const names: string[] = [...visitors].map(({ data }) => data.name);
    const ids: number[] = visitors.connections().map(({ user }) => user.id);
    // @ts-expect-error nothing else is in the data
    const [badge] = [...visitors].map(({ data }) => data.badge as unknown);
    expect([names, ids, badge]).toEqual([[], [], undefined]);
  });

  it('is not alone: to, toUser and get are told the type', () => {
    const registry = new ConnectionRegistry();
    const visitors: Audience<Connection<User, Visit>> = registry.to<Connection<User, Visit>>('room:tea');
    const tabs: Audience<Connection<User, Visit>> = registry.toUser<Connection<User, Visit>>(1);
    const name: string | undefined = registry.get<Connection<User, Visit>>('nowhere')?.data.name;
    const plain: Audience = registry.to('room:tea');
    expect([visitors.size, tabs.size, name, plain.size]).toEqual([0, 0, undefined, 0]);
  });

  it('gives plain connections where no method has one', () => {
    const isPlain: Same<ConnectionOf<Echo>, Connection> = true;
    const isTyped: Same<ConnectionOf<Room>, Connection<User, Visit>> = true;
    const all: Audience = new ConnectionRegistry().in(Echo);
    expect([isPlain, isTyped, all.size]).toEqual([true, true, 0]);
  });
});
