import { Controller, Get, Injectable } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
  type HealthCheckResult,
} from '@nestjs/terminus';
import { ConnectionRegistry } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

@Injectable()
class Health {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly registry: ConnectionRegistry,
  ) {}

  check(): Promise<HealthCheckResult> {
    const indicator = this.indicators.check('websocket');
    const { state } = this.registry;
    return this.health.check([() => (state === 'accepting' ? indicator.up() : indicator.down({ state }))]);
  }
}

@Injectable()
class Details implements Answers {
  constructor(private readonly health: Health) {}

  async answer(): Promise<unknown> {
    return (await this.health.check()).details;
  }
}

@Controller('health')
class HealthController {
  constructor(private readonly health: Health) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check();
  }
}

export const neighbour: Neighbour = {
  imports: [TerminusModule.forRoot({ gracefulShutdownTimeoutMs: 0 })],
  controllers: [HealthController],
  providers: [Health],
  answers: Details,
};
