import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

const greeting = registerAs('greeting', () => ({ text: 'configured' }));

@Injectable()
class Configured implements Answers {
  constructor(private readonly config: ConfigService) {}

  answer(): unknown {
    return this.config.get('greeting.text');
  }
}

@WsEndpoint('greeting')
class Greeting {
  constructor(private readonly config: ConfigService<{ greeting: { text: string } }, true>) {}

  @OnMessage()
  greet(): string {
    return this.config.get('greeting.text', { infer: true });
  }
}

@Module({ imports: [ConfigModule.forFeature(greeting)], providers: [Greeting] })
class GreetingModule {}

export const neighbour: Neighbour = {
  imports: [ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true, load: [greeting] }), GreetingModule],
  answers: Configured,
};
