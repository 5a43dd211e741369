import type { Duplex } from 'node:stream';
import { expect, it } from '@jest/globals';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Aedes } from 'aedes';
import { connectAsync } from 'mqtt';
import { Connection, OnEstablish, toDuplex, WsEndpoint } from 'nestjs-plack-websocket';
import { Journal } from '../../support/journal.js';
import { afterTest, startApp } from '../../support/start-app.js';

// #region mqtt
@Injectable()
class Broker implements OnModuleDestroy {
  readonly #aedes = Aedes.createBroker();

  async accept(stream: Duplex): Promise<void> {
    (await this.#aedes).handle(stream);
  }

  async onModuleDestroy(): Promise<void> {
    (await this.#aedes).close();
  }
}

@WsEndpoint({ path: 'mqtt', protocols: ['mqtt'] })
class MqttEndpoint {
  constructor(private readonly broker: Broker) {}

  @OnEstablish()
  enter(connection: Connection): Promise<void> {
    return this.broker.accept(toDuplex(connection));
  }
}
// #endregion mqtt

it('the broker of docs/guide/11-recipes.md passes messages between MQTT clients', async () => {
  const app = await startApp({ endpoints: [MqttEndpoint], providers: [Broker] });
  const open = async () => {
    const client = await connectAsync(`ws://127.0.0.1:${app.port}/ws/mqtt`, { reconnectPeriod: 0 });
    afterTest(() => client.endAsync(true));
    return client;
  };
  const [sensor, screen] = [await open(), await open()];
  expect([...app.registry].map(({ protocol }) => protocol)).toEqual(['mqtt', 'mqtt']);
  const heard = new Journal();
  screen.on('message', (topic, payload) => heard.add(`${topic} ${payload.toString()}`));
  await screen.subscribeAsync('kitchen/+', { qos: 1 });
  await sensor.publishAsync('kitchen/heat', '21', { qos: 1 });
  expect(await heard.next()).toBe('kitchen/heat 21');
  const large = 'x'.repeat(50_000);
  for (let count = 0; count < 20; count++) await sensor.publishAsync('kitchen/noise', large, { qos: 1 });
  expect(await heard.reached(21)).toHaveLength(21);
  const finished = new Journal<Connection>();
  app.registry.on('finish', finished.add);
  await sensor.endAsync();
  expect(await finished.next()).toMatchObject({ state: 'closed' });
  expect(app.registry.size).toBe(1);
  expect(app.logs.problems).toEqual([]);
});
