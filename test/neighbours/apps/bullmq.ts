import { InjectQueue, Processor, QueueEventsHost, QueueEventsListener, WorkerHost, BullModule } from '@nestjs/bullmq';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Queue, type Job } from 'bullmq';
import type { Answers, Neighbour } from './neighbour.js';
import { REDIS } from './redis.js';

const QUEUE = `neighbours-${process.pid}`;

@Processor(QUEUE)
class Worker extends WorkerHost {
  async process({ data }: Job<string>): Promise<string> {
    return `done ${data}`;
  }
}

@QueueEventsListener(QUEUE)
class Events extends QueueEventsHost {}

@Injectable()
class Queueing implements Answers, BeforeApplicationShutdown {
  constructor(
    @InjectQueue(QUEUE) private readonly queue: Queue<string, string>,
    private readonly events: Events,
  ) {}

  async answer(): Promise<unknown> {
    const job = await this.queue.add('work', 'work');
    return job.waitUntilFinished(this.events.queueEvents, 5_000);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.obliterate({ force: true });
  }
}

export const neighbour: Neighbour = {
  imports: [BullModule.forRoot({ connection: REDIS }), BullModule.registerQueue({ name: QUEUE })],
  providers: [Worker, Events],
  answers: Queueing,
};
