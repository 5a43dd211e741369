import { expect, it } from '@jest/globals';
import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { Connection, ConnectionRegistry, OnFinish, WsEndpoint } from 'nestjs-plack-websocket';
import { startApp } from '../../support/start-app.js';

let finished: Promise<void> = Promise.resolve();

// #region ready
/** For the readiness probe of a load balancer or of Kubernetes: 503 while the application starts or stops. */
@Controller('ready')
class ReadyController {
  constructor(private readonly registry: ConnectionRegistry) {}

  @Get()
  ready(): string {
    if (this.registry.state !== 'accepting') throw new ServiceUnavailableException(this.registry.state);
    return this.registry.state;
  }
}
// #endregion ready

@WsEndpoint('slow')
class SlowEndpoint {
  @OnFinish()
  leave(_connection: Connection): Promise<void> {
    return finished;
  }
}

it('the probe of docs/guide/08-deploying.md says 200 while upgrades are taken, and 503 while it stops', async () => {
  let finish: () => void = () => undefined;
  finished = new Promise((resolve) => {
    finish = resolve;
  });
  const started = await startApp({ endpoints: [SlowEndpoint], controllers: [ReadyController] });
  const client = await started.connect('/ws/slow');
  expect(await started.fetch('/ready').then(({ status }) => status)).toBe(200);

  const closing = started.app.close();
  await client.closed();
  const answer = await started.fetch('/ready');
  expect([answer.status, await answer.json()]).toEqual([503, expect.objectContaining({ message: 'draining' })]);
  finish();
  await closing;
});
