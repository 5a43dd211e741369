import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Connection,
  ConnectionRegistry,
  MemoryBackplane,
  OnEstablish,
  PlackWebSocketModule,
  WsEndpoint,
} from '../../../src/index.js';
import { RedisBackplane } from '../../../src/redis.js';
import { backplaneContract } from '../../../src/testing.js';
import { connect } from '../../support/connect.js';
import { afterTest } from '../../support/start-app.js';

@WsEndpoint({ path: 'prices', serializer: 'json' })
class PricesEndpoint {
  @OnEstablish()
  enter(connection: Connection): void {
    connection.join('prices');
    void connection.send('ready', connection.id);
  }
}

// #region gap
@Injectable()
class Prices implements OnModuleInit {
  readonly stale = new Set<string>();

  constructor(private readonly registry: ConnectionRegistry) {}

  onModuleInit(): void {
    this.registry.on('gap', ({ channel }) => this.stale.add(channel));
  }

  publish(price: number): void {
    this.registry.to('prices').send('price', price);
  }
}
// #endregion gap

/** Not called: the tests of backplanes with real servers are in test/backplane. */
function redisModule(): new () => object {
  // #region redis
  @Module({
    imports: [
      PlackWebSocketModule.forRoot({
        backplane: new RedisBackplane({ url: 'redis://127.0.0.1:6379', prefix: 'chat' }),
      }),
    ],
  })
  class AppModule {}
  // #endregion redis
  return AppModule;
}

it('takes a Redis by its URL', () => {
  expect(redisModule()).toBeInstanceOf(Function);
});

function appModule(backplane: MemoryBackplane): new () => object {
  // #region group
  @Module({
    imports: [PlackWebSocketModule.forRoot({ backplane })],
    providers: [PricesEndpoint, Prices],
  })
  class AppModule {}
  // #endregion group
  return AppModule;
}

describe('two nodes', () => {
  it('send to one another', async () => {
    const nodes = [];
    for (const node of ['one', 'two']) {
      const backplane = new MemoryBackplane({ prefix: 'page-of-the-guide', node });
      const app = await NestFactory.create(appModule(backplane), { logger: false });
      afterTest(() => app.close());
      await app.listen(0, '127.0.0.1');
      nodes.push(app);
    }
    const [one, two] = nodes;
    if (one === undefined || two === undefined) throw new Error('two were made');
    const client = await connect(one, '/ws/prices');
    afterTest(() => client.terminate());
    expect(await client.nextJson()).toMatchObject({ event: 'ready' });
    expect(await two.get(ConnectionRegistry).to('prices').count()).toMatchObject({ total: 1, missing: [] });
    two.get(Prices).publish(7);
    expect(await client.nextJson()).toEqual({ event: 'price', data: 7 });
    expect([...one.get(Prices).stale]).toEqual([]);
  });
});

type Case = [name: string, run: () => Promise<void>];

function casesOf(): Case[] {
  const cases: Case[] = [];
  const test = (name: string, run: () => Promise<void>): void => void cases.push([name, run]);
  // #region contract
  for (const { name, run } of backplaneContract((options) => new MemoryBackplane(options))) test(name, run);
  // #endregion contract
  return cases;
}

describe('the contract', () => {
  it.each(casesOf())('holds: it %s', async (_name, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
