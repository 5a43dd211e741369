import { expect, it } from '@jest/globals';
import { Connection, OnEstablish, WsEndpoint, type PlackWebSocketModuleOptions } from 'nestjs-plack-websocket';
import { startApp } from '../../support/start-app.js';

// #region options
const options: PlackWebSocketModuleOptions = {
  trustProxy: 'loopback', // nginx on the same machine, and no other
  limits: { maxConnectionsPerIp: 20 }, // of the client, not of the proxy
  heartbeat: { intervalMs: 25_000 }, // below the time after which the proxy gives up on silence
};
// #endregion options

// #region names
const names: PlackWebSocketModuleOptions = {
  hosts: ['theatre.example', '*.theatre.example'], // any other Host gets 421
  publicUrl: 'https://theatre.example/stage', // what registry.url begins with, and the own origin
};
// #endregion names

@WsEndpoint({ path: 'where', serializer: 'json' })
class WhereEndpoint {
  @OnEstablish()
  tell(connection: Connection): void {
    const { ip, host, secure } = connection.context;
    void connection.send({ ip, host, secure });
  }
}

it('the options of docs/guide/07-proxies.md believe a proxy on the same machine', async () => {
  const started = await startApp({ endpoints: [WhereEndpoint], options });
  const headers = {
    'x-forwarded-for': '198.51.100.7',
    'x-forwarded-host': 'app.example:8443',
    'x-forwarded-proto': 'https',
  };
  const client = await started.connect('/ws/where', { headers, origin: 'https://app.example:8443' });
  expect(await client.nextJson()).toEqual({ ip: '198.51.100.7', host: 'app.example:8443', secure: true });

  await expect(started.connect('/ws/where', { headers, origin: 'https://app.example' })).rejects.toMatchObject({
    status: 403,
  });
});

it('the names of docs/guide/07-proxies.md keep other hosts out and begin the URLs', async () => {
  const started = await startApp({ endpoints: [WhereEndpoint], options: names });
  const ask = (host: string, origin: string): Promise<unknown> =>
    started.connect('/ws/where', { headers: { host }, origin });
  await ask('box-office.theatre.example', 'https://theatre.example');
  await expect(ask('evil.example', 'http://evil.example')).rejects.toMatchObject({ status: 421 });
  expect(started.registry.url(WhereEndpoint)).toBe('wss://theatre.example/stage/ws/where');
});
