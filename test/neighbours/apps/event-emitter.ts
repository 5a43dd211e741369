import { Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { ConnectionRegistry, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Emitting implements Answers {
  constructor(private readonly events: EventEmitter2) {}

  answer(): unknown {
    return this.events.emitAsync('asked', 'a question');
  }
}

/** An endpoint that hears the events of the application and tells its clients. */
@WsEndpoint('events')
class EventsEndpoint {
  constructor(private readonly registry: ConnectionRegistry) {}

  @OnMessage()
  hear(): void {}

  @OnEvent('asked')
  async heard(question: string): Promise<string> {
    this.registry.in(EventsEndpoint).send(`heard ${question}`);
    return `heard ${question}`;
  }
}

export const neighbour: Neighbour = {
  imports: [EventEmitterModule.forRoot()],
  providers: [EventsEndpoint],
  answers: Emitting,
};
