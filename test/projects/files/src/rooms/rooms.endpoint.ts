import { Param, ParseIntPipe, UseGuards } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import { AppService } from '../app.service.js';
import { TokenGuard } from './token.guard.js';

@UseGuards(TokenGuard)
@WsEndpoint('rooms/:room')
export class RoomsEndpoint {
  constructor(private readonly service: AppService) {}

  @OnEstablish()
  enter(connection: Connection, @Param('room', ParseIntPipe) room: number): void {
    connection.join(`room ${room}`);
    void connection.send({ event: 'welcome', data: { room, text: this.service.getHello() } });
  }

  @OnMessage('say')
  say(connection: Connection, @MessageBody() text: string): string {
    connection.to(...connection.channels).broadcast({ event: 'said', data: text });
    return `you said ${text}`;
  }
}
