import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { Connection, OnMessage, PlackWebSocketModule, WsEndpoint } from 'nestjs-plack-websocket';
import { connect } from 'nestjs-plack-websocket/testing';

@WsEndpoint('echo')
class EchoEndpoint {
  @OnMessage()
  echo(_connection: Connection, message: unknown): unknown {
    return message;
  }
}

it('is an echo', async () => {
  const testing = Test.createTestingModule({ imports: [PlackWebSocketModule.forRoot()], providers: [EchoEndpoint] });
  const app = (await testing.compile()).createNestApplication();
  const client = await connect(app, '/ws/echo');
  await client.send('ahoy');
  expect(await client.next()).toBe('ahoy');
  await app.close();
});
