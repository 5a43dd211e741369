import { Module } from '@nestjs/common';
import { PlackWebSocketModule } from 'nestjs-plack-websocket';
import { AppController } from './app.controller.js';
import { AppService } from './app.service.js';
import { RoomsController } from './rooms/rooms.controller.js';
import { RoomsEndpoint } from './rooms/rooms.endpoint.js';

@Module({
  imports: [PlackWebSocketModule.forRoot({ path: '/ws', serializer: 'json' })],
  controllers: [AppController, RoomsController],
  providers: [AppService, RoomsEndpoint],
})
export class AppModule {}
