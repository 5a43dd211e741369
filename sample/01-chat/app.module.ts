import { Module } from '@nestjs/common';
import { PlackWebSocketModule } from 'nestjs-plack-websocket';
import { EchoEndpoint } from './echo.endpoint.js';
import { NameHandshake } from './name.handshake.js';
import { PageController } from './page.controller.js';
import { RoomEndpoint } from './room.endpoint.js';
import { SayHiController } from './say-hi.controller.js';

// #region module
@Module({
  imports: [
    PlackWebSocketModule.forRoot({
      path: '/ws',
      serializer: 'json',
      // A deploy waits for what is being handled; while you develop, a saved file starts the server anew at once.
      shutdown: { graceMs: process.env['NODE_ENV'] === 'production' ? 10_000 : 200 },
    }),
  ],
  providers: [NameHandshake, RoomEndpoint, EchoEndpoint],
  controllers: [PageController, SayHiController],
})
export class AppModule {}
// #endregion module
