import { describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, RequestContext, WsEndpoint } from '../../../src/index.js';
import { RedisBackplane } from '../../../src/redis.js';
import { missingBroker } from '../../support/brokers.js';
import { startNodes } from '../../support/nodes.js';
import type { StartedApp } from '../../support/start-app.js';
import { until } from '../../support/until.js';

const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const missing = await missingBroker(url);

@WsEndpoint({ path: 'rooms/:room', serializer: 'json' })
class Room {
  @OnEstablish()
  enter(connection: Connection, { params, query }: RequestContext): void {
    connection.join(params['room'] ?? '');
    void connection.send('in', query['user']);
  }
}

(missing === undefined ? describe : describe.skip)(`nodes over Redis${missing ?? ''}`, () => {
  async function startThree(): Promise<[StartedApp, StartedApp, StartedApp]> {
    const nodes = await startNodes(3, (options) => new RedisBackplane({ ...options, url }), {
      endpoints: [Room],
      options: { userId: ({ query }) => query['user'] },
    });
    return nodes as [StartedApp, StartedApp, StartedApp];
  }

  it('reach channels, users and everybody, count and list, and close', async () => {
    const [one, two, three] = await startThree();
    const ada = await two.connect('/ws/rooms/red?user=ada');
    const grace = await three.connect('/ws/rooms/red?user=grace');
    for (const client of [ada, grace]) expect(await client.nextJson()).toMatchObject({ event: 'in' });
    await until(async () => (await one.registry.to('red').count()).total === 2, 'both are counted');
    // A subscription is confirmed some time after the join; what was heard once is heard from then on.
    await until(() => {
      one.registry.to('red').send('are you there?');
      return ada.pending > 0 && grace.pending > 0;
    }, 'both channels are followed');
    one.registry.to('red').send('last');
    for (const client of [ada, grace]) {
      let message = await client.nextJson();
      while (message !== 'last') message = await client.nextJson();
    }
    expect(one.registry.to('red').send({ event: 'said', data: 'hello' })).toMatchObject({ matched: 0, relayed: 'yes' });
    one.registry.toUser('ada').send('for ada');
    one.registry.broadcast('for all');
    expect([await ada.nextJson(), await ada.nextJson(), await ada.nextJson()]).toEqual([
      { event: 'said', data: 'hello' },
      'for ada',
      'for all',
    ]);
    expect([await grace.nextJson(), await grace.nextJson()]).toEqual([{ event: 'said', data: 'hello' }, 'for all']);
    const { connections } = await one.registry.to('*').list();
    expect(connections.map(({ user }) => String(user)).toSorted()).toEqual(['ada', 'grace']);
    expect(await one.registry.toUser('grace').close(4401, 'out')).toMatchObject({ missing: [] });
    expect(await grace.closed()).toMatchObject({ code: 4401 });
  });

  it('tell of a stop at once', async () => {
    const [one, two] = await startThree();
    await two.app.close();
    await until(() => one.registry.nodes.length === 2, 'the stopped node is gone');
    expect(one.registry.backplane.state).toBe('connected');
  });
});
