import { expect, it } from '@jest/globals';
import { Connection, HandshakeResponse, OnEstablish, RequestContext, WsEndpoint } from 'nestjs-plack-websocket';
import { startApp } from '../../support/start-app.js';
import { playTranscript, transcriptsOf } from '../../support/transcript.js';

// #region endpoint
@WsEndpoint({
  path: 'websocket',
  handshake: (context: RequestContext, response: HandshakeResponse) => {
    if (context.query['name'] === undefined) throw new Error('who is there?');
    return [response, context.query['name']];
  },
})
class EchoEndpoint {
  @OnEstablish()
  establish(connection: Connection, _context: RequestContext, [name]: readonly unknown[]): void {
    connection.on('message', (self, message, unregister) => {
      void self.send(`${String(name)} said ${String(message)}`);
      if (message === 'enough') unregister();
    });
  }
}
// #endregion endpoint

it('the echo of docs/guide/10-from-plack-and-dancer2.md answers as its transcript says', async () => {
  const { app } = await startApp({ endpoints: [EchoEndpoint], options: { path: '/' } });
  const [transcript = ''] = transcriptsOf('docs/guide/10-from-plack-and-dancer2.md');
  expect(await playTranscript(app, transcript)).toBeGreaterThan(5);
});
