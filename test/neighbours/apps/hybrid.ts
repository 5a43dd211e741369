import { Controller, Inject, Injectable } from '@nestjs/common';
import { ClientProxy, ClientsModule, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { ConnectionRegistry, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';
import { REDIS } from './redis.js';

/** Several of these may run on one machine. */
const ASK = `ask-${process.pid}`;
const NEWS = `news-${process.pid}`;

@Injectable()
class Calling implements Answers {
  constructor(@Inject('SERVICE') private readonly service: ClientProxy) {}

  async answer(): Promise<unknown> {
    const answer: unknown = await firstValueFrom(this.service.send(ASK, 'a question'));
    await firstValueFrom(this.service.emit(NEWS, 'somebody asked'));
    return answer;
  }
}

@WsEndpoint('news')
class News {
  @OnMessage()
  hear(): void {}
}

@Controller()
class ServiceController {
  constructor(private readonly registry: ConnectionRegistry) {}

  @MessagePattern(ASK)
  answer(@Payload() question: string): string {
    return `an answer to ${question}`;
  }

  @EventPattern(NEWS)
  tell(@Payload() news: unknown): void {
    this.registry.in(News).send(String(news));
  }
}

export const neighbour: Neighbour = {
  imports: [ClientsModule.register([{ name: 'SERVICE', transport: Transport.REDIS, options: REDIS }])],
  providers: [News],
  controllers: [ServiceController],
  answers: Calling,
  configure: async (app) => {
    app.connectMicroservice({ transport: Transport.REDIS, options: REDIS }, { inheritAppConfig: true });
    await app.startAllMicroservices();
  },
};
