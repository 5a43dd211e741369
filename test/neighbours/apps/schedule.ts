import { once, EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';
import { Cron, CronExpression, Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Ticker implements Answers {
  readonly #ticks = new EventEmitter();

  constructor(private readonly scheduler: SchedulerRegistry) {}

  @Interval('ticker', 10)
  tick(): void {
    this.#ticks.emit('tick');
  }

  @Cron(CronExpression.EVERY_HOUR, { name: 'rarely' })
  rarely(): void {}

  async answer(): Promise<unknown> {
    await once(this.#ticks, 'tick');
    return [...this.scheduler.getIntervals().toSorted(), ...this.scheduler.getCronJobs().keys()];
  }
}

/** An endpoint whose own method is scheduled. */
@WsEndpoint('clock')
class Clock {
  readonly #listeners = new Set<Connection>();

  @OnEstablish()
  enter(connection: Connection): void {
    this.#listeners.add(connection);
    connection.on('finish', () => this.#listeners.delete(connection));
  }

  @OnMessage()
  hear(): void {}

  @Interval('clock', 10)
  strike(): void {
    for (const connection of this.#listeners) void connection.send('tick');
  }
}

export const neighbour: Neighbour = { imports: [ScheduleModule.forRoot()], providers: [Clock], answers: Ticker };
