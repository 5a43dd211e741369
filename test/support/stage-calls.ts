import type { Type } from '@nestjs/common';
import type { PlackWebSocketModuleOptions } from '../../src/index.js';
import { Journal } from './journal.js';
import { startApp } from './start-app.js';

/** Stages that call a method of an endpoint. */
export type CalledStage = 'establish' | 'message' | 'error' | 'finish';

/** What the methods of an endpoint were called with, by stage; the methods note it. */
export class StageCalls {
  readonly all: Record<CalledStage, readonly unknown[]> = { establish: [], message: [], error: [], finish: [] };

  readonly note = (stage: CalledStage, ...args: readonly unknown[]): void => {
    this.all[stage] = args;
  };
}

/** Leads one connection through all stages: an event `say`, an event `break` that has to fail, and the end. */
export async function leadThroughStages(endpoint: Type, options: PlackWebSocketModuleOptions = {}): Promise<void> {
  const app = await startApp({ endpoints: [endpoint], options: { serializer: 'json', ...options } });
  const finished = new Journal<unknown>();
  app.registry.on('finish', finished.add);
  const client = await app.connect('/ws/rooms/7?page=2', { headers: { cookie: 'sid=s1', 'X-Own': 'mine' } });
  void client.send({ event: 'say', data: { text: 'hello', more: 1 } });
  void client.send({ event: 'break' });
  await client.next();
  await client.close(4000, 'bye');
  await finished.next();
}
