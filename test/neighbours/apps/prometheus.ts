import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider, PrometheusModule } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Counted implements Answers {
  constructor(@InjectMetric('answers_total') private readonly counter: Counter) {}

  answer(): unknown {
    this.counter.inc();
    return 'counted';
  }
}

export const neighbour: Neighbour = {
  imports: [PrometheusModule.register()],
  providers: [makeCounterProvider({ name: 'answers_total', help: 'Answers given' })],
  answers: Counted,
};
