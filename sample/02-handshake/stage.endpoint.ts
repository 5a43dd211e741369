import { setTimeout as delay } from 'node:timers/promises';
import { Param, ParseIntPipe, UseGuards } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { Connection, HandshakeResult, OnEstablish, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import { z } from 'zod';
import { BadgeHandshake, type Badge } from './badge.handshake.js';
import { CrewGuard } from './crew.guard.js';

const Start = z.int('start from a whole number').min(1).max(60);
const BEAT_MS = 100;

// #region endpoint
@UseGuards(CrewGuard)
@WsEndpoint({ path: 'stage/:hall', serializer: 'json', handshake: BadgeHandshake, protocols: ['cue.v2', 'cue.v1'] })
export class StageEndpoint {
  @OnEstablish()
  enter(
    connection: Connection<Badge>,
    @Param('hall', ParseIntPipe) hall: number,
    @HandshakeResult(0) returning: boolean,
  ): void {
    const { user, protocol } = connection;
    void connection.send({ event: 'welcome', data: { name: user.name, hall, returning, protocol } });
  }
  // #endregion endpoint

  // #region stream
  /** Every number is a message of its own. When the client leaves, the counting stops. */
  @OnMessage('countdown')
  async *countdown(@MessageBody({ schema: Start }) start: number): AsyncGenerator<number> {
    for (let number = start; number > 0; number--) {
      yield number;
      await delay(BEAT_MS);
    }
  }
  // #endregion stream
}
