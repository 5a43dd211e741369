import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import { Hocuspocus, type WebSocketLike } from '@hocuspocus/server';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint, type FinishInfo } from 'nestjs-plack-websocket';
import type { WebSocket } from 'ws';
import { Doc } from 'yjs';
import { afterTest } from '../../support/start-app.js';
import { beforeTaking, Opener, type Library } from '../library.js';
import { answerIn, askIn } from './shared-document.js';

/** What it makes of a connection. */
interface ClientConnection {
  handleMessage(data: Uint8Array): void;
  handleClose(end: { code: number; reason: string }): void;
}

let hocuspocus = new Hocuspocus();
/** Its own way to close ends the documents of a client and leaves the socket open. */
const sockets = new Set<WebSocketLike>();

function accept(socket: WebSocketLike, connection: Connection): ClientConnection {
  sockets.add(socket);
  const { headers, url } = connection.context;
  return hocuspocus.handleConnection(
    socket,
    new Request(new URL(url, 'http://localhost'), { headers: headers as Record<string, string> }),
  );
}

@WsEndpoint('library')
class HandedOverEndpoint {
  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    await beforeTaking.wait(connection);
    const socket = connection.handOver() as WebSocket;
    const client = accept(socket, connection);
    socket.on('message', (data: Buffer) => client.handleMessage(data));
    socket.on('close', (code, reason) => client.handleClose({ code, reason: reason.toString() }));
  }
}

const STATES = { open: 1, closing: 2, closed: 3 } as const;

/** Hocuspocus has to be told what comes, so it needs no socket. */
@WsEndpoint('library')
class RawEndpoint {
  readonly #clients = new WeakMap<Connection, ClientConnection>();

  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    await beforeTaking.wait(connection);
    const socket: WebSocketLike = {
      send: (data) => void connection.send(data as Uint8Array),
      close: (code = 1000, reason = '') => connection.close(code, reason),
      get readyState() {
        return STATES[connection.state as keyof typeof STATES];
      },
    };
    this.#clients.set(connection, accept(socket, connection));
  }

  @OnMessage({ binary: true })
  message(connection: Connection, data: Buffer): void {
    this.#clients.get(connection)?.handleMessage(data);
  }

  @OnFinish()
  leave(connection: Connection, { code, reason }: FinishInfo): void {
    this.#clients.get(connection)?.handleClose({ code, reason });
  }
}

const library: Omit<Library, 'endpoint'> = {
  async open(url) {
    sockets.clear();
    hocuspocus = new Hocuspocus({
      quiet: true,
      debounce: 0,
      async afterLoadDocument({ document }) {
        answerIn(document);
      },
    });
    const opener = new Opener();
    const document = new Doc();
    const websocketProvider = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: opener.webSocket });
    const provider = new HocuspocusProvider({ websocketProvider, name: 'shared', document });
    provider.attach();
    afterTest(() => {
      provider.destroy();
      document.destroy();
      websocketProvider.destroy();
    });
    const ended = opener.ended.then((end) => {
      websocketProvider.disconnect();
      return end;
    });
    await opener.opened;
    return { ask: (words) => askIn(document, words), leave: () => websocketProvider.disconnect(), ended };
  },
  clients: () => hocuspocus.getConnectionsCount(),
  close: () => {
    for (const socket of sockets) socket.close(4205, 'Reset Connection');
    return 4205;
  },
};

export const hocuspocusHandedOver: Library = { ...library, endpoint: HandedOverEndpoint };
export const hocuspocusRaw: Library = { ...library, endpoint: RawEndpoint };
