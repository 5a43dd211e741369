import { describe, expect, it } from '@jest/globals';
import { ConnectionRegistry } from 'nestjs-plack-websocket';
import { fakeConnection } from 'nestjs-plack-websocket/testing';
import { RoomEndpoint } from '../../../sample/01-chat/room.endpoint.js';

describe('the fake connections of docs/guide/06-testing.md', () => {
  // #region fake
  it('tell what the endpoint sent, who got it, and what it did', () => {
    const registry = new ConnectionRegistry();
    const endpoint = new RoomEndpoint(registry);
    const ada = fakeConnection<unknown, { name: string; room: string }>({ registry });
    const grace = fakeConnection<unknown, { name: string; room: string }>({ registry });

    endpoint.enter(ada, 'lobby', 'Ada');
    endpoint.enter(grace, 'lobby', 'Grace');
    expect(endpoint.say(grace, 'hello')).toEqual({ event: 'said', data: { name: 'Grace', text: 'hello' } });

    expect(ada.channels).toEqual(new Set(['room:lobby']));
    expect(ada.sent).toEqual([
      { event: 'welcome', data: { room: 'lobby', name: 'Ada', people: ['Ada'] } },
      { event: 'joined', data: { name: 'Grace', people: ['Ada', 'Grace'] } },
      { event: 'said', data: { name: 'Grace', text: 'hello' } },
    ]);
  });
  // #endregion fake
});
