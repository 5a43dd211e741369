import { describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, WsEndpoint, type PlackWebSocketModuleOptions } from 'nestjs-plack-websocket';
import { startApp } from '../../support/start-app.js';

// #region alb
const options: PlackWebSocketModuleOptions = {
  trustProxy: 1, // one hop; let the security group accept connections of the load balancer alone
  heartbeat: { intervalMs: 25_000 }, // below its idle timeout, 60 s by default
};
// #endregion alb

@WsEndpoint({ path: 'where', serializer: 'json' })
class WhereEndpoint {
  @OnEstablish()
  tell(connection: Connection): void {
    const { ip, host, secure } = connection.context;
    void connection.send({ ip, host, secure });
  }
}

describe('the recipes of docs/guide/11-recipes.md about servers', () => {
  it('believe what an AWS load balancer adds, and not what the client wrote before it', async () => {
    const app = await startApp({ endpoints: [WhereEndpoint], options });
    const headers = {
      host: 'app.example',
      'x-forwarded-for': '192.0.2.66, 198.51.100.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    };
    const client = await app.connect('/ws/where', { headers, origin: 'https://app.example' });
    expect(await client.nextJson()).toEqual({ ip: '198.51.100.7', host: 'app.example', secure: true });
    await expect(app.connect('/ws/where', { headers, origin: 'http://app.example' })).rejects.toMatchObject({
      status: 403,
    });
  });
});
