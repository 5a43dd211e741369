import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Module, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PlackWebSocketModule } from 'nestjs-plack-websocket';
import { AnswerController, Answers, AskEndpoint, type Neighbour } from './neighbour.js';

const { NEIGHBOUR: name, CONTEXT: context } = process.env;
const { neighbour } = (await import(`./${name}.js`)) as { neighbour: Neighbour };
const { imports = [], providers = [], controllers = [], answers, adapter, options, settings, configure } = neighbour;

@Module({
  imports: [
    PlackWebSocketModule.forRoot({ context: context === 'async-local' ? context : 'parameters', ...options }),
    ...imports,
  ],
  providers: [AskEndpoint, ...providers, { provide: Answers, useClass: answers }],
  controllers: [AnswerController, ...controllers],
})
class AppModule {}

const how = { logger: ['error', 'warn'], ...settings } satisfies NestApplicationOptions;
const app = await (adapter === undefined
  ? NestFactory.create(AppModule, how)
  : NestFactory.create(AppModule, adapter, how));
app.enableShutdownHooks();
await configure?.(app);
await app.listen(0, '127.0.0.1');
process.send?.({ port: (app.getHttpServer().address() as AddressInfo).port });
