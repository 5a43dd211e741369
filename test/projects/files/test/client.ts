import type { INestApplication } from '@nestjs/common';
import { connect, type QueuedClient } from 'nestjs-plack-websocket/testing';

/** A client in a room, with the token that the guard asks for. */
export function enter(app: INestApplication, room: number | string): Promise<QueuedClient> {
  return connect(app, `/ws/rooms/${room}`, { query: { token: 'secret' } });
}
