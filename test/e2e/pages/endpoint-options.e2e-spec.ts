import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Connection, OnMessage, WsEndpoint } from '../../../src/index.js';
import { startApp } from '../../support/start-app.js';

@Injectable()
class Settings {
  readonly chatPath = 'talk';
  readonly chatPlaces = 1;
}

// #region factory
@WsEndpoint({
  inject: [Settings],
  useFactory: (settings: Settings) => ({
    path: settings.chatPath,
    limits: { maxConnections: settings.chatPlaces },
  }),
})
class ChatEndpoint {
  @OnMessage()
  say(_connection: Connection, text: string): string {
    return text;
  }
}
// #endregion factory

it('makes options of an endpoint from other providers', async () => {
  const app = await startApp({ endpoints: [ChatEndpoint], providers: [Settings] });
  const client = await app.connect('/ws/talk');
  void client.send('hello');
  expect(await client.next()).toBe('hello');
  await expect(app.connect('/ws/talk')).rejects.toMatchObject({ status: 503 });
});
