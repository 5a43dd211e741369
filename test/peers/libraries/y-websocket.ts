import { Connection, OnEstablish, WsEndpoint } from 'nestjs-plack-websocket';
import { docs, setupWSConnection } from '@y/websocket-server/utils';
import type { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import { Doc } from 'yjs';
import { afterTest } from '../../support/start-app.js';
import { beforeTaking, Opener, type Library } from '../library.js';
import { answerIn, askIn } from './shared-document.js';

@WsEndpoint('library')
class YjsEndpoint {
  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    await beforeTaking.wait(connection);
    const socket = connection.handOver() as WebSocket;
    setupWSConnection(socket, connection.context.raw, { docName: 'shared' });
    const document = docs.get('shared');
    if (document !== undefined) answerIn(document);
  }
}

const sockets = (): WebSocket[] => [...((docs.get('shared')?.conns.keys() ?? []) as Iterable<WebSocket>)];

export const yWebsocket: Library = {
  endpoint: YjsEndpoint,
  async open(url) {
    const opener = new Opener();
    const document = new Doc();
    const provider = new WebsocketProvider(url.replace(/\/library$/, ''), 'library', document, {
      WebSocketPolyfill: opener.webSocket as unknown as typeof globalThis.WebSocket,
      disableBc: true,
    });
    afterTest(() => {
      provider.destroy();
      document.destroy();
      docs.get('shared')?.destroy();
      docs.clear();
    });
    const ended = opener.ended.then((end) => {
      provider.disconnect();
      return end;
    });
    await opener.opened;
    return { ask: (words) => askIn(document, words), leave: () => provider.disconnect(), ended };
  },
  clients: () => sockets().length,
  close: () => {
    for (const socket of sockets()) socket.close(4000);
    return 4000;
  },
};
