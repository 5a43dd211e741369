import { Injectable, UseGuards } from '@nestjs/common';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Unthrottled implements Answers {
  answer(): unknown {
    return 'unthrottled';
  }
}

/** Three handshakes in a minute; messages have a limit of our own. */
@UseGuards(ThrottlerGuard)
@WsEndpoint('throttled')
class Throttled {
  @OnMessage()
  echo(): string {
    return 'heard';
  }
}

export const neighbour: Neighbour = {
  imports: [
    ThrottlerModule.forRoot({
      throttlers: [{ ttl: 60_000, limit: 3 }],
      skipIf: (context) => context.getType() === 'ws',
    }),
  ],
  providers: [Throttled],
  answers: Unthrottled,
};
