import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Aedes } from 'aedes';
import { connect } from 'mqtt';
import { Connection, OnEstablish, toDuplex, WsEndpoint } from 'nestjs-plack-websocket';
import { Journal } from '../../support/journal.js';
import { afterTest } from '../../support/start-app.js';
import { beforeTaking, Opener, type Library } from '../library.js';

let running: Aedes;

@Injectable()
class Broker implements OnModuleDestroy {
  readonly aedes = Aedes.createBroker().then((created) => (running = created));

  async onModuleDestroy(): Promise<void> {
    (await this.aedes).close();
  }
}

@WsEndpoint({ path: 'library', protocols: ['mqtt'] })
class MqttEndpoint {
  constructor(private readonly broker: Broker) {}

  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    await beforeTaking.wait(connection);
    (await this.broker.aedes).handle(toDuplex(connection));
  }
}

const clients = (): { close: () => void }[] =>
  Object.values((running as unknown as { clients: Record<string, { close: () => void }> }).clients);

export const aedes: Library = {
  endpoint: MqttEndpoint,
  providers: [Broker],
  async open(url) {
    const opener = new Opener();
    const client = connect(url, {
      reconnectPeriod: 0,
      createWebsocket: (address, protocols) => new opener.webSocket(address, protocols),
    });
    afterTest(() => client.endAsync(true));
    await opener.opened;
    return {
      async ask(words) {
        const heard = new Journal();
        client.on('message', (_topic, payload) => heard.add(payload.toString()));
        await client.subscribeAsync('words', { qos: 1 });
        await Promise.all(words.map((word) => client.publishAsync('words', word, { qos: 1 })));
        return heard.reached(words.length);
      },
      leave: () => client.endAsync(),
      ended: opener.ended,
    };
  },
  clients: () => clients().length,
  close: () => {
    // It cuts: the stream is destroyed.
    for (const client of clients()) client.close();
    return 1006;
  },
};
