import { Param } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  Connection,
  ConnectionRegistry,
  FinishInfo,
  HandshakeResult,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
} from 'nestjs-plack-websocket';
import { z } from 'zod';
import { NameHandshake } from './name.handshake.js';

export const Room = z.string().regex(/^[a-z0-9-]{1,32}$/, 'a room is called by 1 to 32 letters a-z, digits or hyphens');

// #region text
const Text = z
  .string('a message needs a text')
  .trim()
  .min(1, 'there is nothing to say')
  .max(2000, 'a message has at most 2000 characters');
// #endregion text

/** What a connection carries while it is open. */
interface Visit {
  name: string;
  room: string;
}

/** Clients choose the names of rooms, so those have a prefix: they meet no other name of the application. */
function channelOf(room: string): string {
  return `room:${room}`;
}

interface Said {
  event: 'said';
  data: { name: string; text: string };
}

// #region enter
@WsEndpoint({ path: 'rooms/:room', handshake: NameHandshake })
export class RoomEndpoint {
  constructor(private readonly registry: ConnectionRegistry) {}

  @OnEstablish()
  enter(
    connection: Connection<unknown, Visit>,
    @Param('room', { schema: Room }) room: string,
    @HandshakeResult(0) name: string,
  ): void {
    connection.data = { name, room };
    connection.join(channelOf(room));
    const people = this.#peopleIn(room);
    void connection.send({ event: 'welcome', data: { room, name, people } });
    connection.to(channelOf(room)).broadcast({ event: 'joined', data: { name, people } });
  }
  // #endregion enter

  // #region say
  /** The others hear it; the sender gets the same as the reply, with the `id` of what it sent. */
  @OnMessage('say')
  say(connection: Connection<unknown, Visit>, @MessageBody('text', { schema: Text }) text: string): Said {
    const { name, room } = connection.data;
    const said: Said = { event: 'said', data: { name, text } };
    connection.to(channelOf(room)).broadcast(said);
    return said;
  }
  // #endregion say

  // #region leave
  @OnFinish()
  leave(connection: Connection<unknown, Visit>, end: FinishInfo): void {
    if (end.initiator === 'shutdown') return; // all leave at once: there is no one left to tell
    const { name, room } = connection.data;
    this.registry.to(channelOf(room)).send({ event: 'left', data: { name, people: this.#peopleIn(room) } });
  }
  // #endregion leave

  #peopleIn(room: string): string[] {
    const names = [...this.registry.to(channelOf(room))].map(({ data }) => String(data['name']));
    return names.sort((one, other) => one.localeCompare(other));
  }
}
