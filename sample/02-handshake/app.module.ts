import { Module } from '@nestjs/common';
import { PlackWebSocketModule } from 'nestjs-plack-websocket';
import { BadgeHandshake, type Badge } from './badge.handshake.js';
import { CrewGuard } from './crew.guard.js';
import { PhotosModule } from './photos.module.js';
import { StageEndpoint } from './stage.endpoint.js';

// #region module
@Module({
  imports: [
    PlackWebSocketModule.forRoot({
      origin: ['https://theatre.example', /^http:\/\/localhost(:\d+)?$/],
      trustProxy: 'loopback',
      userId: ({ user }) => (user as Badge).name,
      limits: { maxConnectionsPerUser: 2, messagesPerSecond: 20 },
      shutdown: { reason: 'the house closes', graceMs: 5_000 },
      onError: ({ status, context }) =>
        status === 401
          ? { status, body: { message: `${context.path} asks for a badge: Authorization: Badge …` } }
          : undefined,
    }),
    PhotosModule,
  ],
  providers: [BadgeHandshake, CrewGuard, StageEndpoint],
})
export class AppModule {}
// #endregion module
