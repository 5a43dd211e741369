import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ConnectionRegistry, type Delivery } from 'nestjs-plack-websocket';

/**
 * Says hello to everybody who is connected: to every room and to the echo. A plain string suits them all, each gets it
 * through its own serializer.
 */
// #region say-hi
@Controller('say_hi')
export class SayHiController {
  constructor(private readonly registry: ConnectionRegistry) {}

  @Post()
  @HttpCode(200)
  sayHi(): Delivery {
    return this.registry.broadcast('Hello!');
  }
  // #endregion say-hi

  /** The same from an address bar. */
  @Get()
  sayHiByLink(): Delivery {
    return this.sayHi();
  }
}
