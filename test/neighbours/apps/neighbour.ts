import { Controller, Get, type INestApplication, type ModuleMetadata, type Type } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { Connection, OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from 'nestjs-plack-websocket';

/** What the neighbour contributes: the same answer over HTTP and over WebSocket comes out of it. */
export abstract class Answers {
  /** Gives the answer; `question` tells messages apart. */
  abstract answer(question?: unknown): unknown;
}

/** One application: the library, and a module that stands beside it in real ones. */
export interface Neighbour extends Pick<ModuleMetadata, 'imports' | 'providers' | 'controllers'> {
  /** Gives the answers; a provider that uses the neighbour. */
  readonly answers: Type<Answers>;
  /** The platform, where it is not Express. */
  readonly adapter?: AbstractHttpAdapter;
  /** Options of our module beside those of every application here. */
  readonly options?: PlackWebSocketModuleOptions;
  /** Options of `NestFactory.create` beside those of every application here. */
  readonly settings?: { readonly snapshot?: boolean; readonly bufferLogs?: boolean };
  /** Runs before the application listens. */
  readonly configure?: (app: INestApplication) => unknown;
}

@Controller('answer')
export class AnswerController {
  constructor(private readonly answers: Answers) {}

  @Get()
  async get(): Promise<unknown> {
    return { answer: await this.answers.answer() };
  }
}

@WsEndpoint({ path: 'ask', serializer: 'json' })
export class AskEndpoint {
  constructor(private readonly answers: Answers) {}

  @OnMessage('ask')
  ask(_connection: Connection, question: unknown): unknown {
    return this.answers.answer(question);
  }
}
