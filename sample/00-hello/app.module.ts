import { Module, Param } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { Connection, OnEstablish, OnMessage, PlackWebSocketModule, WsEndpoint } from 'nestjs-plack-websocket';

/** Each connection to /ws/rooms/:room hears what the others in that room say. */
@WsEndpoint('rooms/:room')
export class RoomEndpoint {
  @OnEstablish()
  enter(connection: Connection, @Param('room') room: string): void {
    connection.join(`room:${room}`);
  }

  @OnMessage('say')
  say(connection: Connection, @MessageBody() text: string): string {
    connection.to(connection.channels).broadcast({ event: 'said', data: text });
    return `you said ${text}`;
  }
}

@Module({
  imports: [PlackWebSocketModule.forRoot({ path: '/ws', serializer: 'json' })],
  providers: [RoomEndpoint],
})
export class AppModule {}
