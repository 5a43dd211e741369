import { Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ConnectionRegistry, type Delivery } from 'nestjs-plack-websocket';
import { SameOriginGuard } from './same-origin.guard.js';

/**
 * Says hello to all who are connected: to every room and to the echo. A plain string suits them all, each gets it
 * through its own serializer.
 */
// #region say-hi
@Controller('say_hi')
@UseGuards(SameOriginGuard)
export class SayHiController {
  constructor(private readonly registry: ConnectionRegistry) {}

  @Post()
  @HttpCode(200)
  sayHi(): Delivery {
    return this.registry.broadcast('Hello!');
  }
}
// #endregion say-hi
