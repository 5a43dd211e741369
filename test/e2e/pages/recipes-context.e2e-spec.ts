import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { OnFinish, OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../../src/index.js';
import { Journal } from '../../support/journal.js';
import { startApp } from '../../support/start-app.js';

const left = new Journal();

// #region around
interface Store {
  readonly tenant: string;
}

const storage = new AsyncLocalStorage<Store>();

/** Any provider asks for the tenant, at any depth, without being told. */
const tenant = (): string => storage.getStore()?.tenant ?? 'none';

const options: PlackWebSocketModuleOptions = {
  around: (context, next) => storage.run({ tenant: String(context.query['tenant']) }, next),
};
// #endregion around

@WsEndpoint({ path: 'orders', serializer: 'json' })
class OrdersEndpoint {
  @OnMessage('whose')
  async whose(): Promise<string> {
    await nextTurn();
    return tenant();
  }

  @OnFinish()
  async leave(): Promise<void> {
    await nextTurn();
    left.add(tenant());
  }
}

it('keeps a context for everything that a client causes', async () => {
  const app = await startApp({ endpoints: [OrdersEndpoint], options });
  const [red, blue] = [await app.connect('/ws/orders?tenant=red'), await app.connect('/ws/orders?tenant=blue')];
  for (const client of [red, blue]) void client.send({ event: 'whose' });
  expect([await red.nextJson(), await blue.nextJson()]).toEqual([
    { event: 'whose', data: 'red' },
    { event: 'whose', data: 'blue' },
  ]);
  await red.close();
  expect(await left.next()).toBe('red');
});
